/// What may have been meant by the name of a setting that does not exist.
public enum UnknownSetting {
    /// Names that PyTorch's programs for vision transformers (timm, DeiT, MAE and what came of them) give to what has
    /// another name here.
    private static let otherNames = [
        "batch-size": "batch", "bs": "batch", "train-batch-size": "batch", "epoch": "epochs", "num-epochs": "epochs",
        "max-epochs": "epochs", "n-epochs": "epochs", "input-size": "image-size", "img-size": "image-size",
        "imgsz": "image-size", "resolution": "image-size", "data-path": "data", "data-dir": "data",
        "data-root": "data", "dataset": "data", "root": "data", "model": "preset", "arch": "preset",
        "model-name": "preset", "num-workers": "threads", "workers": "threads", "num-threads": "threads",
        "norm-pix": "norm-pix-loss", "learning-rate": "lr", "base-lr": "blr", "lr-min": "min-lr",
        "minimum-lr": "min-lr", "warmup": "warmup-epochs", "wd": "weight-decay", "print-freq": "log-every",
        "log-interval": "log-every", "log-freq": "log-every", "save-freq": "checkpoint-every",
        "save-interval": "checkpoint-every", "save-ckpt-freq": "checkpoint-every",
        "gradient-accumulation": "accum-iter",
        "gradient-accumulation-steps": "accum-iter", "accumulate-grad-batches": "accum-iter",
        "update-freq": "accum-iter", "max-grad-norm": "clip-grad", "clip-norm": "clip-grad",
        "grad-clip": "clip-grad", "ema-decay": "ema", "model-ema-decay": "ema", "label-smoothing": "smoothing",
        "drop-path-rate": "drop-path", "random-seed": "seed", "finetune": "init", "pretrained": "init",
        "weights": "init", "checkpoint": "init", "mask-prob": "mask-ratio",
    ]

    /// The settings that other names stand for.
    package static var suggestions: Set<String> { Set(otherNames.values) }

    /// What is said of names that mean nothing here.
    private static let explanations = [
        "output-dir": "the folder of a run is given by --out", "output": "the folder of a run is given by --out",
        "out": "the folder of a run is given by --out", "log-dir": "the log is in the run's folder, given by --out",
        "save-dir": "the folder of a run is given by --out", "nb-classes": classes, "num-classes": classes,
        "n-classes": classes, "device": "it computes on this machine's processors",
        "gpu": "it computes on this machine's processors",
        "amp": "give precision: bf16", "fp16": "give precision: bf16", "bf16": "give precision: bf16",
        "layer-decay": "only fine-tuning has it", "drop-path": "only fine-tuning has it",
        "smoothing": "only fine-tuning has it", "start-epoch": "a run that is resumed knows its epoch",
        "resume": "a run is gone on with by --resume",
        "pin-mem": "batches are read where they lie", "dist-url": "it runs on one machine",
        "world-size": "it runs on one machine", "local-rank": "it runs on one machine",
    ]
    private static let classes = "the classes are the folders of images in train/"

    /// What to do instead, for a name of a setting among those that there are; nil if nothing comes near.
    public static func advice(on name: String, among names: [String]) -> String? {
        meant(by: name, among: names).map { "did you mean \($0)?" }
            ?? explanation(of: name).map { "\($0) (--help lists those that are known)" }
    }

    /// The setting that has the name elsewhere, or whose own is nearest; nil if none comes near.
    public static func meant(by name: String, among names: [String]) -> String? {
        let name = kebab(name)
        if let known = otherNames[name], names.contains(known) { return known }
        guard explanations[name] == nil else { return nil }
        let near = names.map { (name: $0, distance: distance(name, $0)) }.min { $0.distance < $1.distance }
        return near.flatMap { $0.distance <= max(1, name.count / 3) ? $0.name : nil }
    }

    /// Why there is no such setting here, where other programs have one; nil for other names.
    public static func explanation(of name: String) -> String? { explanations[kebab(name)] }

    private static func kebab(_ name: String) -> String { String(name.lowercased().map { $0 == "_" ? "-" : $0 }) }

    /// Letters to insert, remove, or put in place of others, from one word to another (Levenshtein 1966).
    private static func distance(_ first: String, _ second: String) -> Int {
        let second = Array(second)
        var row = Array(0...second.count)
        for (i, letter) in first.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in second.enumerated() {
                let change = diagonal + (letter == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(change, row[j] + 1, diagonal + 1)
            }
        }
        return row[second.count]
    }
}
