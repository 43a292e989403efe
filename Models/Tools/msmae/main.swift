print("msmae")
