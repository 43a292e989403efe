import ApusLLVM
import ApusTransforms

/// The sizes and limits by which passes, placement, layout, tilings and emission decide: those of one machine, or
/// smaller ones with which tests reach every decision in small graphs.
///
/// Docs/Performance.md has the measurements behind the numbers. None of them changes what is computed, and only those
/// of legality, of Winograd's algorithm, of narrow groups and of the library change how sums are added up.
public struct Tuning: Hashable, Sendable {
    // MARK: Memory

    /// Bytes of a cache line.
    public var lineBytes = 64
    /// Rows that lie a multiple of this many bytes apart fall into the same few lines of a first-level cache: the bytes
    /// of one of its ways.
    public var cachePeriod = 4096

    // MARK: Legality

    /// The longest contracted axis of one matmul, in elements: a row and a column of that length lie in a cache
    /// together.
    public var longestContraction = 4096
    /// The same for a matmul that contracts places of images: each of its few columns is packed from far apart, so that
    /// more of them fit into a cache.
    public var longestOfPlaces = 2048
    /// Columns of the widest head that attention has kernels for.
    public var widestHead = 256

    /// Elements of the shortest runs that a row of an operand may consist of that is read where it lies: of shorter
    /// ones, a copy is read faster.
    public var shortestRun = 4

    /// From which sizes on convolutions take fewer products.
    public var winograd = WinogradLimits(
        channels: 64, channelsForBothAxes: 192, places: 512,
        constantKernels: .init(places: 32, rows: 256...1024, parts: 16))

    /// Up to which sizes convolutions of groups are no matmuls.
    public var narrowGroups = NarrowGroupLimits(channels: 4, products: 36)

    // MARK: What is stored

    /// Vector instructions (`ScalarFunction.cost`) that are repeated in every reader rather than stored; GELU with its
    /// derivative, of two error functions and an exponential, takes 46.
    public var repeatedCost = 48
    /// Elements from which on mixed precision stores a value of several readers in bf16: below, memory does not matter,
    /// and digits do.
    public var smallestRounded = 4096
    /// Vector instructions of a value in a row that a later pass over the row computes again rather than reading it
    /// back.
    public var recomputedCost = 8

    /// Whether what depends on weights alone is kept from run to run, in programs that update none. It takes memory.
    public var preparesWeights = true

    // MARK: The library

    /// Floating-point operations of the smallest matmul that is offered to the library.
    public var smallestLibraryMatmul = 20_000_000
    /// How many times as fast as a generated kernel the library has to be: the kernel also does what comes before and
    /// after, which beside the library is a pass over memory of its own.
    public var neededGain = 1.1
    /// How many times as fast the library is, at most, where no further shape is measured.
    public var hopelessSpeed = 0.6

    // MARK: Tiles

    /// Bytes of a tile's packed columns: they stay in the second-level cache, with room for the rows that stream by.
    public var packedBytes = 640 << 10
    /// Bytes of the sums of a strip of rows: they are used again before they leave the first-level cache, or soon
    /// after.
    public var stripBytes = 24 << 10
    /// Threads that programs are expected to run on: work is divided so that they end together. Results do not depend
    /// on it.
    public var threads = 2
    /// What it takes to hand a tile to a thread, and to pack a vector of columns, in vector multiply-adds.
    public var tileCost = 10_000, packingCost = 20
    /// Columns of the blocks of an operand that is packed once for several matmuls: those of their register blocks.
    public var packedColumns: Int
    /// Matmuls of one operand from which on it is packed once, and which part of such a matmul packing it would be at
    /// least: one in so many.
    public var sharedPacking = 3, leastPackingShare = 20
    /// How much later than the others a thread is expected to end, in tiles.
    public var lateness = 0.25
    /// Rows of queries in one block of attention's gradients: worth a pass over a block of keys and values, and few
    /// enough for a cache to hold their probabilities.
    public var attentionRows = 208
    /// The same where a query attends to no later key: small blocks skip more of them.
    public var attentionCausalRows = 32
    /// Keys of a block: those, packed, and their values are in the second-level cache.
    public var attentionKeys = 512
    /// The same for gradients, where keys are packed twice, and sums of two gradients are there as well.
    public var attentionGradientKeys = 256
    /// Elements, or floating-point operations of matmuls, that a thread takes at a time: enough to hide the hand-over,
    /// few enough to share the work.
    public var elementsPerGrain = 16384, operationsPerGrain = 1_000_000

    // MARK: Emission

    /// How many rows earlier the memory of an operand is asked for than it is packed.
    public var packedRowsAhead = 8

    /// The tuning for a machine.
    public init(_ target: TargetDescription) {
        let caches = target.caches
        lineBytes = caches.lineBytes
        cachePeriod = caches.firstLevelBytes / caches.firstLevelWays
        packedBytes = caches.secondLevelBytes / 8 * 5
        packedColumns = 2 * target.lanes()
        // 24 KB were measured to be enough with caches of 32 and of 48 KB.
        stripBytes = min(stripBytes, caches.firstLevelBytes / 4 * 3)
    }

    /// Sizes so small that graphs of a few hundred elements meet every limit: for tests.
    public static func tiny(_ target: TargetDescription) -> Tuning {
        var tuning = Tuning(target)
        tuning.cachePeriod = 64
        (tuning.longestContraction, tuning.longestOfPlaces) = (6, 4)
        tuning.widestHead = 8
        tuning.shortestRun = 2
        tuning.winograd = WinogradLimits(
            channels: 2, channelsForBothAxes: 3, places: 4, constantKernels: .init(places: 3, rows: 4...64, parts: 3))
        tuning.narrowGroups = NarrowGroupLimits(channels: 2, products: 12)
        tuning.repeatedCost = 6
        tuning.smallestRounded = 8
        tuning.recomputedCost = 2
        tuning.smallestLibraryMatmul = 1
        (tuning.packedBytes, tuning.stripBytes) = (1024, 512)
        (tuning.threads, tuning.tileCost) = (3, 4)
        (tuning.attentionRows, tuning.attentionCausalRows) = (4, 3)
        (tuning.attentionKeys, tuning.attentionGradientKeys) = (8, 8)
        (tuning.elementsPerGrain, tuning.operationsPerGrain) = (16, 64)
        tuning.packedRowsAhead = 1
        return tuning
    }
}

extension Tuning: CustomStringConvertible {
    /// All numbers, in order of declaration: part of what code is kept by.
    public var description: String {
        """
        line \(lineBytes) period \(cachePeriod) contraction \(longestContraction) \(longestOfPlaces) heads \(widestHead) runs \(shortestRun) winograd \
        \(winograd.channels) \(winograd.channelsForBothAxes) \(winograd.places) \
        \(winograd.constantKernels.map { "\($0.places) \($0.rows) \($0.parts)" } ?? "") \
        groups \(narrowGroups.channels) \(narrowGroups.products) \
        prepares \(preparesWeights) repeated \(repeatedCost) rounded \(smallestRounded) recomputed \(recomputedCost) library \
        \(smallestLibraryMatmul) by \(neededGain) not \(hopelessSpeed) packed \(packedBytes) strip \(stripBytes) threads \(threads) \
        \(tileCost) \(packingCost) \(packedColumns) \(sharedPacking) \(leastPackingShare) \(lateness) \
        attention \(attentionRows) \(attentionCausalRows) \
        \(attentionKeys) \(attentionGradientKeys) grain \(elementsPerGrain) \(operationsPerGrain) ahead \(packedRowsAhead)
        """
    }
}
