import Apus
import Spirals

let program = try Compiler().compile(classes(batch: 100))
let state = try program.makeState(seed: 0)
try state.loadWeights(from: "spirals.safetensors")

let points = try spirals(1000, seed: 3)  // none of them was trained on
let outputs = try program.predict(state, points.tensors)
print("accuracy \(try accuracy(of: outputs, on: points))")
