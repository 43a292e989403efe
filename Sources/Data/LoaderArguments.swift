/// Checks of what loaders are given.
enum LoaderArguments {
    static func check(batchSize: Int, imageSize: Int, threads: Int, mapGrid: Int = 1) throws(DataError) {
        try check("batchSize", batchSize, atMost: 1 << 20)
        try check("imageSize", imageSize, atMost: ImageLoader.imageSizes.upperBound)
        try check(threads: threads)
        try check("mapGrid", mapGrid, atMost: 1024)
    }

    static func check(threads: Int) throws(DataError) { try check("threads", threads, atMost: 1024) }

    private static func check(_ name: String, _ value: Int, atMost largest: Int) throws(DataError) {
        guard (1...largest).contains(value) else {
            throw DataError(.invalidArgument, "\(name) is \(value)", advice: "Give a number from 1 to \(largest).")
        }
    }

    /// Throws unless an epoch has `batches` batches to begin with, and that one of them or their end.
    static func check(startingAtBatch start: Int, of batches: Int, batchSize: Int, items: Int) throws(DataError) {
        guard batches > 0 else { throw batchTooLarge(batchSize, items: items, path: nil) }
        guard (0...batches).contains(start) else {
            throw DataError(
                .invalidArgument, "batch \(start) of an epoch of \(batches) batches",
                advice: "Start at a batch between 0 and \(batches).")
        }
    }

    static func batchTooLarge(_ size: Int, items: Int, path: String?) -> DataError {
        DataError(
            .batchTooLarge, "a batch of \(size) cannot be filled from \(items) images", path: path,
            advice: "Choose a batch size of at most \(items).")
    }
}
