extension SampleImage {
    static let jpegs = [
        SampleImage(
            "JPEG 4:2:0", 19, 17,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO \
                UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P \
                T09PT09PT0//wAARCAARABMDASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAAYFBP/EACMQAAEEAgEDBQAAAAAAAAAAAAEA \
                AwQRAgUzEiFxMWGBkbH/xAAYAQACAwAAAAAAAAAAAAAAAAADBAIFBv/EACMRAAEDAwIHAAAAAAAAAAAAAAEAAgQDBSEREzEzNEJx \
                crH/2gAMAwEAAhEDEQA/ANhuRHkRaNWQpvY6nJx45tD6XA/Kfhv9NmgVUaCW3JxAdq/dCt0d8YbjchQmCpvBtHLAsVtiQ22MKPZF \
                ZuMQxmbyAPhFcG6xgdHOAPkJ8VqAGWqE3XOfK7NF6hES8DkBBtvct57lPx+IiLGzOoqex+pc8V//2Q==
                """,
            pixels: """
                jNUKnNUUtcseyL4o26803p8+y4tErnhJiGhRaF5dQkxlKDxvIDOAIzCWLDGnNTCxRji/WUfNb1rdltYOp9kYwNQl08ox470+5LBK \
                z5xNtItVjn5db3JrSlxwLUh3IzmFIzCWKSukMSeuSC+/WzvNbk3coM4LstUXydgn2dM15sxD4sNPzbNWsKNdjJVobYh1S3F8M1iE \
                KUWPKTacLiypOSO0UyTIZizWdjvjp7sCuccSztAl29I14dJF2c5SwMNapLhjfKZnYZp3RoSBNWyLMVaaNEemPTm0Syu9ZSbPeCfb \
                hDHjsaAAwrAO0sAi18ky1c5Ax9JPrM9Zj8ljaLpoUq96PpuINYSTOW6kQFqvSkq8XTjDfCzNjynVlS3avIIAyZUO1Kgj0bYxxcI9 \
                s85Nl9NZedNiW85vSMZ/OrSNOJ+cQoiqS3S2V2C/a0vGkDvUozLapjLdx14C0XMT04okx5swsqw6nL9JfM1VXtNgSNlwONSAM8iQ \
                N7eeSKSvWJO7ZoLDfmzQplTkt0bst0Pu0EAL1lUb0m8swII1o5g/ia9MacJYSc1gONlyK9h+K9CMOMecTLqtYq68c5/CjYzQsG/j \
                wV7swFjr3zIk1TglxkousGM5jng+aotETqZSPb9lKclvJNJ9L9aQPNOcU8qqZ8G1e7u9mq3LvJTayIHdw3fb3CQwzSguuDcyokw9 \
                fWBCWnNJQI1XMKdnI7ZyI8KAMs6RRtOfX9OsddK1itK+p8nLxLLY0KDcypfZziI4vSI0pSk0iTc7aEdCSVdKM25YJ4VqI5l3KKmD \
                PLqVU8qkb9Ovhtq5nN/AstvNyMbc0bjgzLHcwjFArCk3kCc1dS86VzdEPUFMLVNeJmZvKXp+MoqLR6CaY7WpfMWyktK6ptvBudrP \
                zdHq0sfvz8PrrUtClz44ejI1YS86STBFNjNSKz1lKkl3NFmGQGqUWoCkdZmzj6+8pMLEttHKxNXc2dr/2tL/2M//nWVEhlM4aEEy \
                UzY6Pi5IMClVKytpLjB7PD2PTUycZmOqgny4m5nBtLHMxcfT0NLf2dn11NPzz9DlkIBEeGs3XVQzS0Q8OzZMMSlcMCJxNiCESyua \
                WzWmckmxiWG6oXzCtZfJya/Sz8LMz9G7xs+ivsmPhZdDbYE5UWc2QVRANkNTLTFgMSR0Oh6FVyacaSuofziwlEu3pmG+uHrHyZHS \
                y6bIz8e6v8iPtMVff61KaZpBUINBP3FMM11cLUdoMjd3RS6IXCiUdSeejS+nozyys029wV7IzHLUyITXvJ7aurm0m60/
                """),
        SampleImage(
            "JPEG 4:2:2", 19, 17,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO \
                UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P \
                T09PT09PT0//wAARCAARABMDASEAAhEBAxEB/8QAGAAAAwEBAAAAAAAAAAAAAAAAAAUGBAH/xAAjEAABBAIBAwUAAAAAAAAAAAAB \
                AAMEEQIFMxIhcTFhgZGx/8QAGQEAAgMBAAAAAAAAAAAAAAAABAYBAwUC/8QAJhEAAQQABAUFAAAAAAAAAAAAAQACAwQFEyExERQi \
                MzRBQnKx0f/aAAwDAQACEQMRAD8AcNyI8iLRqyFN7HU5OPHNofSDwQmJ/ByrtzGGQQHZcbYkNtjCj2QnHoK1204yAsL8p+G/02aB \
                VRoJbcnEB2r90uwwDKD2rLuQ81YzG+icuMQxmbyAPhC5di9eMljn6jTY/iuFl40UJuuc+Vs0XqEVQ7AU4b7k+e5T8fiEm3PIk+R+ \
                0Od1/9k=
                """,
            pixels: """
                j9MOndQXsM0jwcEt1LE7259H0oZMwW1TpFhYi0tmZzhsRyt1MCmGJy6ZJDWrJDizMUW4RlPGYGPYndMLqtgWvdUlys4x18NA27RN \
                zJxQuodaoXNkiGRyZE13Rjl+MTGJKS2ZJCyoJyyuOje6TkPGZ1HYrskCvNEQydkh0dgw1tRB0ctPvbtWpqhfjZRrd4N5WWmAQVGF \
                ND6TLzOfLiyrNiWyTSnBYy/PeTvevLIAycAL0s8e1Ncwztw/wtpOp9BWjcNhbq1nW515R4OBOWqLN1SaOkSmPjiyTCq8ZybMfSXZ \
                jizjxpUA06gO170i1MsyxNdAst1Pk9xXeNViVsNmR7V2Op6CNYWOOW+eQFuqSE21Wjq/eizQkyXcnifhzXcI14sb2qMsz7U6vMVE \
                ptNSiNtZa9piUdRsQcp6NbiGNKOTPI2gRXmrTGiyYlK9ij7SojLcqDDfylkV1G4m04Y0xpk+sKtDmr9OfM1VYNNeTNhrPdN5NsiH \
                N7mVQaqlTZuyV4u6b3bGmlzZskzgtUbgxEMbzFgpzXA3vYI8ppY/kKxIcr5RV8dXRtRmONRzM82EOceXSL2qV7S7YajEfJTSpnXg \
                vWHmv1rk0D0SykAZwk0qtGA+mm9NeYBXW5xkSLd1LcZ2JdCBKtmMONaZUM2lZ8Kxfrq7nqzHvpbLy4HYxHLuyTEZwDIcszsqpEs7 \
                h1lJaGpUToRgPJ9wKLJ2I8KAL9CNQtWeXNSud9C8j83IrcTUyq/Y1Jzjzo/3wysotignoisxjjQ+ckBLVU5VP2ZjMX9vKJZ5J6qC \
                OL2QT8yibNSzhtjCntrQuNbUysnH07vJzbHXvzM+rCk5kSU8eipHXzBURTldNU1pLWF2K3h+MouHRaOTX7ike8W0ktDBptjNudnW \
                zNXez8zfzMbitEZJnjhDgC1BZilLTipYOi1lLjlxLUZ+M1qFQGuNWYObdZqqjrG3pcHEt8/RxNTh1d3/09j/0NfzpmBHjU4/az0/ \
                UzNKPCxZLCdnJyt0KzF/Pj2LUUuTbGKeiXuspJW8vK3MzsLa1sr82M3/0Mj/ysn/mXxEfmc7XlI6RkRHMjhaJixoJSZ4LySESS2T \
                XzWZfUajl1yusXa6xo/J2KbX3LrT1M+8xtOOu9ZVk5BBens5WGM5QlJHMERcJjNqJyh7NSCJUymZayyfhjalnkitslyzxXTA1IzO \
                1Z/R1b7bwsGvtcJodbNGX58+RohAN3ZLKWJbJExmLjp0QjCEXyiOeSaalSyjrTeyvUe/y1jP12rf0H3pv5f3vLTLm647
                """),
        SampleImage(
            "JPEG 4:4:4", 19, 17,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO \
                UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P \
                T09PT09PT0//wAARCAARABMDAREAAhEBAxEB/8QAFwAAAwEAAAAAAAAAAAAAAAAABAUGAf/EACMQAAEEAgEDBQAAAAAAAAAAAAEA \
                AwQRAgUzEiFxMWGBkbH/xAAXAQEBAQEAAAAAAAAAAAAAAAAFBgME/8QAJhEAAgIBAgMJAAAAAAAAAAAAAQIAAwQFERIhMhMiMTM0 \
                YYGx0f/aAAwDAQACEQMRAD8AcNyI8iLRqyFNUVOjTfIDYi8pN7HU5OPHNofSssC8AbGEV5pvfhMxtiQ22MKPZMdw85RJiVlQYC/K \
                fhv9NmgVMYlK2LvOfUbkyOQlRoJbcnEB2r911NQU8ITRpzIeOOXGIYzN5AHwsn1SihuzsbYj2P5ERkOo2kJuuc+VnpvSIfX1wzRe \
                oTLSjr8qPnuU/H4onVvWP8fQgzdRn//Z
                """,
            pixels: """
                jNYHndYPss4XxsAi1bE22aBHzYhPu3FKmVxjh01maDdvTSd+OSOSLiiiKzCuKDazM0O9Tk7IbF3SmNYJqtkRwNYc0M0o2sI62rVN \
                yZ1St4tOmHVvhWVyZk13SDiDNSyVKiqiJiurJC2wPDW/Vj7KdEzTp8sFuNQQzNgc19cr2dQ80cxOvbxSp6pPiZR2doN5WWp+PlGJ \
                L0CaKDWnJy6wKSu0TyfIaSzRhjXatbQBxMIP1M8d2NYp09s6w9pLqNFRksVObqp0XJx3Q4Z9L2+LKFudLEmtNDy4ODS8aSPTgSPZ \
                nCXhwJYE0KgT2rsi18osyNY7st5LldxSftVSWMB1R7V2M6N/JI6MJXmeMWKuQU+6S0K/fSnWlCXcrCDjzXYP2Iod3qIq1bQzv8U/ \
                pdVOiNtZcNhbTdN6Pcx8Kr6AIq2OKJeeO32tUGW4XFW8jTzXoDPcuCjg0FUZ2msk3IMvzJg1sqtAlsBQec1dZNBgQ9p5Ntd6JtGC \
                IsWOMLSfSpyxZoO9d3LCnFvbr03exT3lzT8b1lMl1W0uw4Ezppc6iq5Mbr9ZWsRgOdh0Lth3I9d+JNOON8ejWrO5epvGjozNqXPj \
                umPlzlHp3jIk1Dgpxkk3rmBJjHVTZYlZTaNmRrhzMMR6LMyCLNiQMdmcRNOoY8Sxhra6nq3Aw5e7xIbTynHp2SgizColujYxoExC \
                fV5MWXJVQ4piPZ9uJbR2Kb+CL8+TO9ihVNiwddG8mMnGsMTNzqvjzpv31Ij/1SMjxCEmrCYvjzNAbEJMS1NVOGphNX1vHpx3JqqD \
                Nb2VSs6nZ9a2iNfCqNbMvNXSzcTXz7fr0qj+0C4ruiUrnCE1fihFXjBUQTxcNE5pMl90HYB9K46JQKSaXLireMa4ls7BstPKwdbP \
                zNXezMvqz8D5wUQuqTYviCo6aiZLTylcOC1lLzluMEZ3JWKBN3CNU4Wecpuvka68qr7FvszPy9PV1eLr093m0tjkqmMvkE8vbzw7 \
                VDFPPStfLSdnKCtuKzN0MUSGRlGRZmWhiXqxqJLBwKrQ0MDb2szj1s7/0c7/y9DuloEue2swW1M+RUJTMzVmJyptJShvKip0QjGN \
                VzqWeUijmVuwtXK/yI3N1Kjb27fj0c7Hx9SFvNs3i5cxcoAzU2RAPlFYMEFsJjFxJipzKyl0USqUZTCcgjmkoUavt1m5xXPFzY7U \
                0Z/c0LL/xbrLtcRbeLYvX6A6Q4dONHRcKmBgKkllMzd0PzGIXCiXcimelSuptzG0y0DB1FTN1mzb1Hzkw5bzv6n+kL4E
                """),
        SampleImage(
            "JPEG progressive", 19, 17,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO \
                UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P \
                T09PT09PT0//wgARCAARABMDASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAAQFA//EABcBAAMBAAAAAAAAAAAAAAAAAAID \
                BAX/2gAMAwEAAhADEAAAAbM2fUAYm0sowewsLxjL/8QAGRABAQEBAQEAAAAAAAAAAAAAAQIDADER/9oACAEBAAEFAipqdMvqFA0w \
                4UVyR23uHPv/xAAdEQABAgcAAAAAAAAAAAAAAAASAAIDBBARMUFR/9oACAEDAQE/AYxHZmEbOKW3T//EAB4RAAIBAwUAAAAAAAAA \
                AAAAAAADAQIEFCIyM0Fx/9oACAECAQE/Abdcr1QZS+5EbB3JV6f/xAAXEAADAQAAAAAAAAAAAAAAAAAAECEg/9oACAEBAAY/AiO5 \
                /8QAGBABAQEBAQAAAAAAAAAAAAAAABEBIDH/2gAIAQEAAT8hB1qRCdZhV7xr/9oADAMBAAIAAwAAABA/L77/xAAZEQEAAgMAAAAA \
                AAAAAAAAAAABACEQETH/2gAIAQMBAT8QGiwwEvAez//EABoRAQEAAgMAAAAAAAAAAAAAAAEAETFxobH/2gAIAQIBAT8QL2Em4AeS \
                13Ye3//EAB0QAQACAgIDAAAAAAAAAAAAAAEAESExYXGBkbH/2gAIAQEAAT8QoDVpGB+oIq4mamhhorfME7A9Tb3NybfHyf/Z
                """,
            pixels: """
                jNUKnNUUtcseyL4o26803p8+y4tErnhJiGhRaF5dQkxlKDxvIDOAIzCWLDGnNTCxRji/WUfNb1rdltYOp9kYwNQl08ox470+5LBK \
                z5xNtItVjn5db3JrSlxwLUh3IzmFIzCWKSukMSeuSC+/WzvNbk3coM4LstUXydgn2dM15sxD4sNPzbNWsKNdjJVobYh1S3F8M1iE \
                KUWPKTacLiypOSO0UyTIZizWdjvjp7sCuccSztAl29I14dJF2c5SwMNapLhjfKZnYZp3RoSBNWyLMVaaNEemPTm0Syu9ZSbPeCfb \
                hDHjsaAAwrAO0sAi18ky1c5Ax9JPrM9Zj8ljaLpoUq96PpuINYSTOW6kQFqvSkq8XTjDfCzNjynVlS3avIIAyZUO1Kgj0bYxxcI9 \
                s85Nl9NZedNiW85vSMZ/OrSNOJ+cQoiqS3S2V2C/a0vGkDvUozLapjLdx14C0XMT04okx5swsqw6nL9JfM1VXtNgSNlwONSAM8iQ \
                N7eeSKSvWJO7ZoLDfmzQplTkt0bst0Pu0EAL1lUb0m8swII1o5g/ia9MacJYSc1gONlyK9h+K9CMOMecTLqtYq68c5/CjYzQsG/j \
                wV7swFjr3zIk1TglxkousGM5jng+aotETqZSPb9lKclvJNJ9L9aQPNOcU8qqZ8G1e7u9mq3LvJTayIHdw3fb3CQwzSguuDcyokw9 \
                fWBCWnNJQI1XMKdnI7ZyI8KAMs6RRtOfX9OsddK1itK+p8nLxLLY0KDcypfZziI4vSI0pSk0iTc7aEdCSVdKM25YJ4VqI5l3KKmD \
                PLqVU8qkb9Ovhtq5nN/AstvNyMbc0bjgzLHcwjFArCk3kCc1dS86VzdEPUFMLVNeJmZvKXp+MoqLR6CaY7WpfMWyktK6ptvBudrP \
                zdHq0sfvz8PrrUtClz44ejI1YS86STBFNjNSKz1lKkl3NFmGQGqUWoCkdZmzj6+8pMLEttHKxNXc2dr/2tL/2M//nWVEhlM4aEEy \
                UzY6Pi5IMClVKytpLjB7PD2PTUycZmOqgny4m5nBtLHMxcfT0NLf2dn11NPzz9DlkIBEeGs3XVQzS0Q8OzZMMSlcMCJxNiCESyua \
                WzWmckmxiWG6oXzCtZfJya/Sz8LMz9G7xs+ivsmPhZdDbYE5UWc2QVRANkNTLTFgMSR0Oh6FVyacaSuofziwlEu3pmG+uHrHyZHS \
                y6bIz8e6v8iPtMVff61KaZpBUINBP3FMM11cLUdoMjd3RS6IXCiUdSeejS+nozyys029wV7IzHLUyITXvJ7aurm0m60/
                """),
        SampleImage(
            "JPEG grey", 19, 17,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO \
                UlNSMj5aYVpQYEpRUk//wAALCAARABMBAREA/8QAFwAAAwEAAAAAAAAAAAAAAAAABAUGAf/EACMQAAEEAgEDBQAAAAAAAAAAAAEA \
                AwQRAgUzEiFxMWGBkbH/2gAIAQEAAD8AcNyI8iLRqyFN7HU5OPHNofSxtiQ22MKPZAvyn4b/AE2aBVRoJbcnEB2r905cYhjM3kAf \
                ChN1znyjNF6hPnuU/H4v/9k=
                """,
            pixels: """
                qKiorq6usbGxsLCwrq6up6enlpaWg4ODb29vYWFhTExMPDw8NjY2ODg4PT09QEBATExMXFxcb29vrKystLS0urq6u7u7urq6tLS0 \
                oqKikZGRf39/cHBwWVlZRUVFOzs7ODg4ODg4OTk5R0dHVVVVZ2dnqqqqtbW1v7+/w8PDxMTEv7+/sLCwn5+fjY2Nfn5+Z2dnUlJS \
                RUVFPj4+Ozs7Ojo6RUVFUVFRYGBgoKCgrq6uvLy8w8PDxsbGw8PDtra2qKiokpKShYWFcXFxX19fU1NTTExMSEhIRUVFTExMVFRU \
                Xl5ekpKSo6Ojs7OzvLy8wMDAwMDAt7e3rKysmJiYjY2NfX19bm5uZGRkXFxcV1dXU1NTVlZWW1tbYGBghISElZWVpqamr6+vtLS0 \
                t7e3s7Ozq6uroaGhmJiYi4uLgICAd3d3b29vaGhoY2NjZmZmZ2dnaGhoc3NzhISElJSUnJycoaGhp6enp6eno6OjoqKinJyclZWV \
                jo6OioqKhoaGgYGBfX19fX19e3t7eXl5ZWVldXV1hYWFjIyMkZGRmJiYm5ubmZmZnZ2dmpqal5eXl5eXmJiYmZmZlpaWlJSUkJCQ \
                jIyMiIiIZGRkZWVlbGxsdXV1eHh4eXl5goKCjo6Oj4+PlJSUnJycoKCgo6OjpaWlqKioq6urqKiooaGhmZmZXFxcWlpaXV1dZGRk \
                ZWVlZ2dncHBwfHx8goKCi4uLmJiYo6OjrKyss7Ozurq6v7+/vLy8tbW1rq6uWFhYUlJST09PUFBQUFBQUVFRWlpaZmZmcnJyfn5+ \
                kJCQoqKisbGxvb29x8fHzc3NycnJxMTEvr6+Xl5eUlJSSEhIRUVFQkJCQUFBSUlJVFRUYmJicHBwhYWFm5ubra2tvLy8yMjIz8/P \
                09PTz8/Py8vLZ2dnWFhYSEhIPz8/Ojo6Nzc3PDw8RUVFU1NTYmJieXl5kZGRp6enubm5yMjI0dHR39/f29vb2NjYcnJyX19fS0tL \
                Pz8/NjY2MDAwMjIyODg4RkZGVVVVbGxshYWFnp6etbW1yMjI09PT3Nzc19fX0tLSfn5+aWlpU1NTRUVFOjo6MTExLy8vMjIyQUFB \
                TU1NYWFhd3d3j4+Ppqamu7u7x8fHzs7Ox8fHv7+/iIiIc3NzW1tbTExMQUFBNTU1MTExMjIyQkJCTExMW1tbbW1tgICAlZWVqamp \
                tbW1yMjIv7+/tLS0lJSUgYGBbGxsXl5eUFBQQ0NDPT09Pz8/RERETExMWVlZaGhoeHh4iIiImJiYoqKirq6uubm5m5ub
                """),
        SampleImage(
            "JPEG RGB", 19, 17,
            file: """
                /9j/7gAOQWRvYmUAZAAAAAAA/9sAQwANCQoLCggNCwoLDg4NDxMgFRMSEhMnHB4XIC4pMTAuKS0sMzpKPjM2RjcsLUBXQUZMTlJT \
                UjI+WmFaUGBKUVJP/8AAEQgAEQATA1IRAEcRAEIRAP/EABgAAQEBAQEAAAAAAAAAAAAAAAYHBQME/8QALRAAAAUDAQYEBwAAAAAA \
                AAAAAAECAwQFESEGEhMiMjRxByNCYTE1NkFRgbP/2gAMA1IARwBCAAA/AEc19umU7ZIyI7BBGlw6vH2VbJqMgRo7XLgTiQ45U6lY \
                rmVwar2mFIM3Y5e+A7o7XLgModCSUVu6c2BzezmfL4uHAWtNeUnH2GLqyqm88bLavYdmX5lHkWPaJJGJLR2uXA7aRpJrWTzifcNa \
                NqBic0TT5lc/yHdHa5cBoqU00e7uXDge5dGhurNwiTZWRoTdWafpUpcGfP3Uhoi20blxVrkRlkkmXwMhK6j8z/YJao51Ce0f0ig6 \
                Z6EuwxqL1Jdw7o/pHml9U53FGj9OjsJt4ifW1Q7NfyQP/9k=
                """,
            pixels: """
                hNUCnNUMucwazr0m2q4w25080IRKwW5UpVxijEdsbTV6US6GOiqQKiWcKSmqLzO0NkK/TlnOY2vZk9UFqtgPxNYe1c4p3MQz2bY/ \
                yaBNuYtYlXZlfWFvXkt9RT6JMTKTJiafKSStMim3QjDDWkTRcVPcpccJudETz9ki2tot29c30c9Du71Rp6xcgpRpaoBzTWiBN1WN \
                KUKXJDCjLSexOiW7UiPHbDDVhTrgs64LxL0W1s0k2tYw1Ns5xNlFqs1TlL9edKtrXJx2QYaELnCQJlqZKEalNzazSC6+YyTJfinY \
                mCzjwJUNz6cX2rwl2coxzdQ7uNpHnNZVhc1fY8BtTrZ3NqOFKIyRJXabLWCmQUy1VD6/dC7KjirZqSbkzXwP2I8Z3KUo07YzwsU9 \
                q9NJjdlXdtdiUNJvPs55K8CHI6mTJ5SdNX+pTWe3YlTBhkDNoDPbuCjm1FsT2m4d2IQsyJY3sapBl8BNeNBbYdVlQdhzMtp9JdKL \
                JcGXMLChQ6CtX4m7dnPFmVzRsUjfxznq1D8W11Ih0GcvvHo7oZFEha1QZsNeT8xpO9V2LtuBJtmPK82bOsOkUbmwb6S+h4/JpnXU \
                vV7i0Ezu1ywY1TQjxEgxp2I9jHlHdY1SWKVhP7lrLMh4JM6DJteRNtydSdimYMqygbjAn6vLuJXSzXv53Gbk0iYczSkmujc0m0tA \
                f15KZ3FWS4hkNJxuK7R8J72GLcyUP9igVdyqbtW2j8rEq8DOwa/W0pjn34TlzCggwiQqqig4ijNEbEFOU1FaO2doJ3pyKZeAK6SK \
                NrmYTMykZtiug9q6o9bIu9LSy8ri1rfk3qb/xjUitissmiU7eShGWzBQQzxcL09qIWF1JXqCLomMQaGbWremd8iwltG8tNXKyNbU \
                0tbs1srf173/vkYjqDcuiSk8aSVITidSOC1dKjtsJEl2JlyDNmyOToScaZ2oh7Cxp8G9wM7LztbW2tjg1dbqz9D/r1smlkkwdDY+ \
                WCxKQSdUMCRgKiluKzF4L0CGRE+QYGaee36qmJS0tqvAy8HO0s/Y39Po0dr/xdzjnXsqgWc0X1FCR0JONTZYKCpkKCVyMCZ8Py2K \
                WDqUdkyij16uqnG4xYrE1KTS17fc2sLsxdHmtdoXkJgtcoM3UWtGO1lRLEhbIjZnJyp1MieASyWNZi+XhDulnEextVa7z2zH24fV \
                25vf0a/uucL5ptAAeLMxYaI8RYpKMXJWJ19gJ0xrNDp5Qy6EWiiRdSScliiqsTS2xkG/1VHL2GjZ1HzkxZfurar/lrwE
                """),
        SampleImage(
            "JPEG CMYK", 19, 17,
            file: """
                /9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAKBwcIBwYKCAgICwoKCw4YEA4NDQ4dFRYRGCMfJSQiHyIhJis3LyYpNCkhIjBBMTQ5Oz4+ \
                PiUuRElDPEg3PT47/8AAFAgAEQATBEMRAE0RAFkRAEsRAP/EABkAAQEBAQEBAAAAAAAAAAAAAAYFBAcCCP/EAC4QAAAFBAAFAgQH \
                AAAAAAAAAAABAgQFAxEiMQYSITJBB0ITIzNxNkZRdYSzw//aAA4EQwBNAFkASwAAPwBzLyXdkGclO7zDZ7P7zHSnElvIBZeS7sgS \
                kp3eYPvZ/eYluJLeQJ1ZL5qsvIO1J35h5+RGXP5nmMKpLI8g5l5LuyGmSnd5iW9n95jI4kt5ALLyXdkD6KklOviZRTWs7cK9lJN+ \
                UrkXMo9JTcyuZ2Ir9TB97P7zExxJbyHllwLxlLs6UgyhlrbOE89Ja69Omak+DspRHY9kdupWMuhhax9HXrhlSrSHECGTpaeao3Q2 \
                +KVM/wBObnK523YrXvYz2dRtwXxu+oJc0YOslC72KtVp0l9Dt1StRKLXkhgVJZHkEcv7gKkvIgPfI0uPICy/uDr0N/MX8b/ULfRL \
                8cPf22p/ZSEtx5H1DV+qr7jolT6h/cdnX3mMKu4x/9k=
                """,
            pixels: """
                /v7+9Pf45urt2+Ln09nhx9DYusXQsb7JpbPCnKy8j6KyhpqsfpOndougaoKZYnyTW3WNUW2ISWaC8+/v6Ofo2tvez9LXyMvRvcLK \
                sLjCpq+6m6a0kp+thpWlfI2fdoaabX+TY3aNWnCGU2qBSWJ7Qlx249rZ2dPTy8jKwL/DuLe9rq+2oqWumZ6njZShhY2beoWUcX2N \
                anaJYm+CV2d8UGF2SVxxQFNsOU1n1srIzMPCv7i5tbCyrKispKCnl5afjpCYg4aSfICNcHiFaHB/YWp6WWN1UFtuSVZpQlFkOUhf \
                MkNazL27wra0taysrKOmpJ2gmpSajouSh4WMfHuGdHWAaWx5YWZ0WmBvU1lqSVJjQk1fPEdaNEBWLDtRwK2rt6ekqp6doJWWmY6R \
                kIaLhX6DfXh+cm55a2lzYWFtWVpnU1RjS05dQkdXO0JTNT1OLTZKJjFFspyZqJWSnYyLk4SFjX6AhHd7eW9zcGhuaGBpYFtjVlNe \
                Tk1ZSUdVQkJQOTtKMzZGLTFCJis+Hyc5p4+MnomGk4F/inl5g3N0e2tvcGRoaF5jX1ZeWFFZT0lUR0NOQj5LOzlGMzJBLS49KCk5 \
                ICM1Gh8xm4J8knx2iHRvf2xqeGdlcGBgZllaXlNVV05RUD1NRkhHQD1DOy4/NDI7LC42JyQyISQyHw80FiAekXdwiXFrfmlldmJf \
                b1xbaFZWXk5QV0pMT0dISEhDQDA+OSo5NTE3Li4yJhkuISUqHBQZEiQlFwAghWhhfmJcc1tXa1RSZU9NXUlJVUJDTj4/RjE7QDU3 \
                OC0zMjUvLSArJxkoIBMjGxQgDw0hFxYdCRIUfFxVdFdQalBLYkpGXEVCVT8+TTk5RjU1PysyOTwuMiEqKxEmJxcjISAfGhkbFgsY \
                HgcUBQYRBwYTdFNLbE5HY0dBW0E9Vj06Tzc2RzExQC0tOi8pNBUmLCAiJygfIhgcHQgZFxIVEgUSAwkSFQAFAHENa0lAZEQ9Wj03 \
                VDgzTzMwSC4sPygoOiQkMyMhLhEeJxkaIRQXHQsUGAwREgcODgIMDAMOAHMAB2oKYD00WTgxUTMsSi4oRSkmPyQiNx8eMhwbLBQY \
                JxwVIAwRGw4OFwsMEwAKDgAHCm8FDWkAAFsUZ1lZWTUsUjEpSislQyYhPyIfOR0bMhgXLRUVJhQRIggPHAkMFwkJEwAHD3EFCmwC \
                Bl0AAGBnZFpUWVZgUSwkSyghQyMcPB4ZOBoWMhYTLBIQJw8NIQsLHAgKFwQEEgEGD2kAC2RnBl1iA1ddYFRaWU5VU0lQ
                """),
        SampleImage(
            "JPEG YCCK", 19, 17,
            file: """
                /9j/7gAOQWRvYmUAZAAAAAAC/9sAQwAKBwcIBwYKCAgICwoKCw4YEA4NDQ4dFRYRGCMfJSQiHyIhJis3LyYpNCkhIjBBMTQ5Oz4+ \
                PiUuRElDPEg3PT47/8AAFAgAEQATBEMRAE0RAFkRAEsRAP/EABkAAQEBAQEBAAAAAAAAAAAAAAYFBAcCCP/EAC4QAAAFBAAFAgQH \
                AAAAAAAAAAABAgQFAxEiMQYSITJBB0ITIzNxNkZRdYSzw//aAA4EQwBNAFkASwAAPwBzLyXdkGclO7zDZ7P7zHSnElvIBZeS7sgS \
                kp3eYPvZ/eYluJLeQJ1ZL5qsvIO1J35h5+RGXP5nmMKpLI8g5l5LuyGmSnd5iW9n95jI4kt5ALLyXdkD6KklOviZRTWs7cK9lJN+ \
                UrkXMo9JTcyuZ2Ir9TB97P7zExxJbyHllwLxlLs6UgyhlrbOE89Ja69Omak+DspRHY9kdupWMuhhax9HXrhlSrSHECGTpaeao3Q2 \
                +KVM/wBObnK523YrXvYz2dRtwXxu+oJc0YOslC72KtVp0l9Dt1StRKLXkhgVJZHkEcv7gKkvIgPfI0uPICy/uDr0N/MX8b/ULfRL \
                8cPf22p/ZSEtx5H1DV+qr7jolT6h/cdnX3mMKu4x/9k=
                """,
            pixels: """
                AIYAAIkAAIkAAIsAAIsAAIwAAI0AAI0AAJAAAJEAAJEAAJIKDJMbGZIsKJNANJNNQZReTpZyV5Z/AH8AAIAAAIEAAIIAAIMAAIQA \
                AIYAAIYAAIgAAIgABIkNEooeHYovKoo/OItSQ4tdUIxuXI2AZo2MAHQAAHcAAHgAAHkAAHkAAHoAAHsAAHwAAX0EDX8TG38mKIA2 \
                MoBGPoBVS4FnVYFyYoGBbIOTdIOeAGwAAG4AAG8AAHAAAHAAAHEAAHMABnQDFHUbH3UoLXY5OXdJQ3dXT3hmWXd2Y3iAb3mQeXqh \
                gnqrAGUAAGcAAGgAAGoAAGoAAGsAC2wHFW0UI24rL244O29KRnBYUXBnWnB0ZnCDb3GNeXKcg3Ori3OuAF0AAF4AAGEAAGEAAmIA \
                D2IKHWQcJ2QpNWY+P2dKS2haVmdpXmh2aGiDc2mQe2mbhWmojmurlWunAFYAAFYAAFcADFgCF1kRI1oiMlszOltARl1SUF1dW15t \
                ZV96bl+Hd2CTgV+ghmCmkmGmmWKjn2KfAE8AAlAAEFIDHVIUJlMiMVMzP1VDR1ZOU1dhW1drZlh5cFiGd1mRgFqdiFmjjlmgmVqg \
                nFycmVuZDEgAF0gFI0oWL0snOEszQ0xDT01SV05cY1Fsa02KdFR4fVOPhE+kjFOhlFOdmVKamFeYlFGUkU6RGkIJJUMWMkUnPEU1 \
                RkZDT0dQWkhgYkhpbUx1dU5zfUiehUifjE2ek06bl0mXk06TkkGSjleOi0CLLjshODssQz07TT5KVT5VXz9jaEBvb0F4eUCUgESN \
                iESajkmNlEOVkkKSjkOOi0SLiU2JhkSGgkiCPDQyRTY8UDhKWThYYTljaTpwczp7eTuDgjyYiUN7jz2TkDmQjjyOjEGMh0GHhD2E \
                gjCCf0R/e0N7SS8/UDFJWzJXYzNiajNucjR5ezWFgDaMijqMjzOSjTmNiz6LiTqJhjeGgjuCfzh/fUd9eSd5dmgXVipNXStXZixj \
                bi1vdC55ey+EgzCPhzCPjjOOiy+LhzSHhDSEgjKCfzR/ezR7eDN4djd2c10Ob1gOYiRcaCVmcSdxdyd7fiiEhCiOiimKhyqHhiuG \
                gi+Cfit+ey57ei56dyx3cy1zb1QDbksJal8oACgAaiBncCFveCJ6fiOEgySLiCWIhCWEgSaBfyl/fCZ8eCh4dSl1cyhzcVAAbFAD \
                aUsbH2cZACYAADYAcxtyeBx5fx6DhB+GhB+EgSCBfSB9eiF6dyN3dCN0cCJwbSVta0cAFmgJGmQTIGEZACoAACoAACoA
                """),
        SampleImage(
            "JPEG with an orientation, which is not applied", 19, 17,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDAA0JCgsKCA0LCgsODg0P \
                EyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09P \
                T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAARABMDASIAAhEBAxEB/8QAFwABAQEBAAAA \
                AAAAAAAAAAAAAAYFBP/EACMQAAEEAgEDBQAAAAAAAAAAAAEAAwQRAgUzEiFxMWGBkbH/xAAYAQACAwAAAAAAAAAAAAAAAAADBAIF \
                Bv/EACMRAAEDAwIHAAAAAAAAAAAAAAEAAgQDBSEREzEzNEJxcrH/2gAMAwEAAhEDEQA/ANhuRHkRaNWQpvY6nJx45tD6XA/Kfhv9 \
                NmgVUaCW3JxAdq/dCt0d8YbjchQmCpvBtHLAsVtiQ22MKPZFZuMQxmbyAPhFcG6xgdHOAPkJ8VqAGWqE3XOfK7NF6hES8DkBBtvc \
                t57lPx+IiLGzOoqex+pc8V//2Q==
                """,
            pixels: """
                jNUKnNUUtcseyL4o26803p8+y4tErnhJiGhRaF5dQkxlKDxvIDOAIzCWLDGnNTCxRji/WUfNb1rdltYOp9kYwNQl08ox470+5LBK \
                z5xNtItVjn5db3JrSlxwLUh3IzmFIzCWKSukMSeuSC+/WzvNbk3coM4LstUXydgn2dM15sxD4sNPzbNWsKNdjJVobYh1S3F8M1iE \
                KUWPKTacLiypOSO0UyTIZizWdjvjp7sCuccSztAl29I14dJF2c5SwMNapLhjfKZnYZp3RoSBNWyLMVaaNEemPTm0Syu9ZSbPeCfb \
                hDHjsaAAwrAO0sAi18ky1c5Ax9JPrM9Zj8ljaLpoUq96PpuINYSTOW6kQFqvSkq8XTjDfCzNjynVlS3avIIAyZUO1Kgj0bYxxcI9 \
                s85Nl9NZedNiW85vSMZ/OrSNOJ+cQoiqS3S2V2C/a0vGkDvUozLapjLdx14C0XMT04okx5swsqw6nL9JfM1VXtNgSNlwONSAM8iQ \
                N7eeSKSvWJO7ZoLDfmzQplTkt0bst0Pu0EAL1lUb0m8swII1o5g/ia9MacJYSc1gONlyK9h+K9CMOMecTLqtYq68c5/CjYzQsG/j \
                wV7swFjr3zIk1TglxkousGM5jng+aotETqZSPb9lKclvJNJ9L9aQPNOcU8qqZ8G1e7u9mq3LvJTayIHdw3fb3CQwzSguuDcyokw9 \
                fWBCWnNJQI1XMKdnI7ZyI8KAMs6RRtOfX9OsddK1itK+p8nLxLLY0KDcypfZziI4vSI0pSk0iTc7aEdCSVdKM25YJ4VqI5l3KKmD \
                PLqVU8qkb9Ovhtq5nN/AstvNyMbc0bjgzLHcwjFArCk3kCc1dS86VzdEPUFMLVNeJmZvKXp+MoqLR6CaY7WpfMWyktK6ptvBudrP \
                zdHq0sfvz8PrrUtClz44ejI1YS86STBFNjNSKz1lKkl3NFmGQGqUWoCkdZmzj6+8pMLEttHKxNXc2dr/2tL/2M//nWVEhlM4aEEy \
                UzY6Pi5IMClVKytpLjB7PD2PTUycZmOqgny4m5nBtLHMxcfT0NLf2dn11NPzz9DlkIBEeGs3XVQzS0Q8OzZMMSlcMCJxNiCESyua \
                WzWmckmxiWG6oXzCtZfJya/Sz8LMz9G7xs+ivsmPhZdDbYE5UWc2QVRANkNTLTFgMSR0Oh6FVyacaSuofziwlEu3pmG+uHrHyZHS \
                y6bIz8e6v8iPtMVff61KaZpBUINBP3FMM11cLUdoMjd3RS6IXCiUdSeejS+nozyys029wV7IzHLUyITXvJ7aurm0m60/
                """),
    ]
}
