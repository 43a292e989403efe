import ApusTestSupport
import ApusTraining
import Foundation
import Testing

/// Files that hold no weights are named for what they are.
@Suite struct FileFormatTests {
    private let folder = TemporaryFolder()

    static let formats: [(bytes: [UInt8], message: String)] = {
        let rest = [UInt8](repeating: 7, count: 600)
        func text(_ text: String) -> [UInt8] { Array(text.utf8) }
        var tar = [UInt8](repeating: 0, count: 1024)
        tar.replaceSubrange(0..<9, with: text("model.pth"))
        tar.replaceSubrange(257..<262, with: text("ustar"))
        var dicom = [UInt8](repeating: 0, count: 256)
        dicom.replaceSubrange(128..<132, with: text("DICM"))
        let zip = { (names: [String]) in ZipBytes(names.map { ($0, [1]) }).bytes }
        var deflated = ZipBytes([("run/model.pth", [1, 2])])
        deflated.entries[0].central.method = 8
        return [
            ([], "an empty file"),
            (
                text("version https://git-lfs.github.com/spec/v1\noid sha256:0d71\nsize 343249461\n"),
                "this is a pointer of Git LFS to a file of 343249461 bytes: fetch the file itself by git lfs pull"
            ),
            (text("<!DOCTYPE html><html><head>") + [0xC3, 0xA9], "a web page (HTML)"),
            (text("\u{FEFF}\n <HTML lang=de>"), "a web page (HTML)"),
            (text("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"), "a text in XML"),
            (
                text("{\"metadata\": {}, \"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\"}}"),
                "several files"
            ),
            (text("{\"architectures\": [\"ViTMAEForPreTraining\"]}"), "a text in JSON"),
            (text("import torch\n"), "a text that begins with \"import torch\""),
            ([0x1F, 0x8B, 8, 0] + rest, "compressed by gzip: unpack it first"), (text("BZh91AY") + rest, "bzip2"),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0] + rest, "xz"), ([0x28, 0xB5, 0x2F, 0xFD] + rest, "zstd"),
            ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C] + rest, "a 7z archive"), (tar, "a tar archive: unpack it first"),
            ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] + rest, "an HDF5 file, as Keras"),
            ([0x93] + text("NUMPY\u{1}") + rest, "NumPy (.npy)"), ([28, 0, 0, 0] + text("TFL3") + rest, "Lite"),
            ([0x08, 0x07, 0x12, 0x07] + text("pytorch") + rest, "a model of ONNX"), (dicom, "an image (DICOM)"),
            ([0x89] + text("PNG\r\n\u{1A}\n") + rest, "an image (PNG)"), ([0xFF, 0xD8, 0xFF] + rest, "JPEG"),
            (rest + [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB], "the index of a TensorFlow checkpoint"),
            (Pickled.file(Pickled.dictionary([("w", Pickled.integer(1))])), "a pickle that torch.save has not written"),
            ([UInt8](repeating: 0, count: 100), "nothing but zeros"),
            (rest, "neither a safetensors file nor a checkpoint of PyTorch; it begins with the bytes 07 07 07 07"),
            (zip(["arr_0.npy", "b.npy"]), "a zip archive of NumPy's arrays (.npz), not a checkpoint"),
            (zip(["config.json", "model.weights.h5"]), "a Keras model"),
            (zip(["a/readme.txt", "a/model.pth"]), "a zip archive with a/model.pth in it: unpack it first"),
            (deflated.bytes, "a zip archive with run/model.pth in it: unpack it first"),
            (zip(["a.txt"]), "a zip archive without data.pkl, not a checkpoint of PyTorch"),
        ]
    }()

    @Test(arguments: formats.indices) func filesWithoutWeightsAreNamed(index: Int) {
        let (bytes, message) = Self.formats[index]
        let path = folder.write(bytes, to: "file.pth")
        let error = #expect(throws: (any Error).self) { try WeightsFile(contentsOf: path) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.hasPrefix("\(path): ") && text.contains(message) && !text.contains("\n"), "\(text)")
        #expect(!text.contains("the header claims"))
    }

    @Test func aHeaderThatIsCutOffIsNamedAsSuch() {
        let bytes = safetensors(#"{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, data: [1, 2])
        for (count, wanted) in [
            (bytes.count, "beyond the 2 bytes of data: the file is cut off"),
            (20, "follow its length: the file is cut off"),
        ] {
            let path = folder.write(bytes.prefix(count), to: "cut.safetensors")
            let error = #expect(throws: SafetensorsError.self) { try WeightsFile(contentsOf: path) }
            #expect(error?.message.hasSuffix(wanted) == true, "\(error?.message ?? "")")
        }
    }
}
