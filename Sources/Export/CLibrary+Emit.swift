import ApusFiles
import ApusSystem
import ApusRuntimeTexts
import Foundation

extension CLibrary {
    /// Writes the library of this model, all names of which begin with `name`, to a folder:
    ///
    /// - `libNAME.a` and `libNAME.so`, `NAME.h` and `NAME.pc`,
    /// - `NAME.weights`, where there are weights that the library does not hold,
    /// - `main.c`, an example that runs the model on numbers from files, unless there is a file of that name,
    /// - `source`, the C files and the code that the libraries are made of.
    ///
    /// Without a compiler, the one of the system is taken. Throws ``CLibraryError`` if there is none, or if it fails,
    /// and `FileError` if a file cannot be written.
    public func emit(directory: String, compiler: CCompiler? = nil) throws {
        try checkWeights()
        let compiler = try compiler ?? CCompiler(for: levels[0].file.target.architecture)
        let source = "\(directory)/source"
        try Folders.make(directory)
        try Folders.make(source)
        let interface = header(named(RuntimeTexts.interface))
        let (sections, constants) = self.sections()
        var units = ["model.c"]
        try AtomicFile.write(modelText(sections, constants: constants), to: "\(source)/model.c")
        for section in sections { try write(section.bytes, to: "\(source)/\(section.file)") }
        for (name, text) in RuntimeTexts.sources {
            try AtomicFile.write(named(text), to: "\(source)/\(named(name))")
            if name.hasSuffix(".c") { units.append(name) }
        }
        try AtomicFile.write(interface, to: "\(source)/\(name).h")
        // What belongs to the libraries takes its place when they are there.
        try compiler.build(units, in: source, name: name, to: "..")
        try AtomicFile.write(interface, to: "\(directory)/\(name).h")
        try AtomicFile.write(packageText, to: "\(directory)/\(name).pc")
        let weightsFile = "\(directory)/\(weightsName)", example = "\(directory)/main.c"
        if !weights.isEmpty, !holdsWeights {
            try write(weightsContent(), to: weightsFile)
        } else {
            unlink(weightsFile.systemName)
        }
        if access(example.systemName, F_OK) != 0 { try AtomicFile.write(named(RuntimeTexts.example), to: example) }
    }

    private func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        try AtomicFile.write(to: path) { (output) throws(FileError) in try output.write(bytes) }
    }

    /// What pkg-config has to know.
    private var packageText: String {
        """
        folder=${pcfiledir}

        Name: \(name)
        Description: A model compiled by Apus
        Version: 1
        Cflags: -I${folder}
        Libs: -L${folder} -l\(name)
        Libs.private: -pthread -lm

        """
    }
}
