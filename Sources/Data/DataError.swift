import ApusFiles

/// What went wrong with a file, a folder or an argument of this room, and what to do about it.
public struct DataError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure, for a program that reacts to them.
    public enum Code: String, Sendable {
        /// A file cannot be opened or read.
        case fileUnreadable
        /// A file has more bytes than are read of one.
        case fileTooLarge
        /// A file cannot be written.
        case fileUnwritable
        /// The bytes are of no format that is read.
        case unknownFormat
        /// A sound file of a format that is read, but of a kind that is not.
        case unsupportedImage
        /// The bytes begin as an image but cannot be decoded to the end.
        case corruptImage
        /// The header announces more pixels than the decoder's limits allow.
        case imageTooLarge
        /// A folder of images is missing.
        case folderMissing
        /// A folder holds no class folders.
        case noClasses
        /// A class folder holds no (readable) image.
        case emptyClass
        /// A folder that should hold images holds none.
        case noImages
        /// An image lacks a mask of some class.
        case maskMissing
        /// A mask lacks its image.
        case imageMissing
        /// Two files would be the same image or mask.
        case ambiguousName
        /// A mask is not of its image's size.
        case maskSizeDiffers
        /// A mask has values other than inside and outside.
        case greyMask
        /// A window was given for an image that is neither grey of 16 bits nor grey DICOM.
        case noIntensities
        /// It cannot be told which patient an image is of.
        case patientUnknown
        /// A part of a split would have no image of some class.
        case tooFewImages
        /// Equal images would come to different parts of a split.
        case duplicateImages
        /// A folder that is to be written exists and is not empty.
        case folderNotEmpty
        /// Another process writes the folder.
        case folderInUse
        /// It was asked to stop.
        case interrupted
        /// A batch is larger than the set it is drawn from.
        case batchTooLarge
        /// An argument is outside of what it may be.
        case invalidArgument
    }

    /// The kind of failure.
    public let code: Code
    /// What happened, without the path.
    public let message: String
    /// The file or folder concerned, if there is one.
    public let path: String?
    /// What can be done about it.
    public let advice: String

    /// Describes a failure; `advice` is a full sentence.
    public init(_ code: Code, _ message: String, path: String? = nil, advice: String) {
        self.code = code
        self.message = message
        self.path = path
        self.advice = advice
    }

    /// One line, whatever the file's name is: `path: message. Advice.`
    public var description: String {
        ((path.map { "\($0): " } ?? "") + "\(message). \(advice)").inOneLine
    }

    /// The same failure, said of the file or folder at `path`.
    func at(_ path: String) -> DataError {
        DataError(code, message, path: path, advice: advice)
    }
}
