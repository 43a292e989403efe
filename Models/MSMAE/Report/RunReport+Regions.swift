import Apus
import ApusReport

extension RunReport {
    /// Side of the pictures of regions, in pixels.
    private static let side = 224
    /// Images to find regions in where nothing else is asked for.
    private static let shown = 6

    /// What the segmentations find in the first images of validation, by name.
    static func regions(_ groups: [RunGroup], _ options: Options, _ problems: inout [String]) -> [Page.Section] {
        var blocks: [Page.Block] = []
        for group in groups where group.kind == .segment {
            guard let checkpoint = group.first.checkpoint, case .text(let data)? = group.first.settings["data"] else {
                continue
            }
            do {
                let segmenter = try Segmenter(checkpoint: checkpoint, threads: options.threads, pinned: options.pinned)
                let folder = try SegmentationFolder(root: "\(data)/val")
                let items = folder.items.prefix(options.imagesPerClass ?? shown)
                let rows = try items.map { item in
                    let image = try segmenter.decoder.decode(path: item.image).resized(
                        width: side, height: side, filter: .bilinear)
                    let found = try image.drawing(segmenter.regions(in: image))
                    return PictureGrid.Row(
                        item.image.below(folder.root), [try image.pngData(), try found.pngData()])
                }
                // A figure for two images each, so that figures stand beside each other and fit a printed page.
                let figures = stride(from: 0, to: rows.count, by: 2).map { first in
                    let part = Array(rows[first..<min(first + 2, rows.count)])
                    return Page.CaptionedFigure(
                        PictureGrid(
                            name: "regions \(group.name) \(first / 2 + 1)".slug, title: group.name,
                            columns: ["image", "regions found"], rows: part
                        ).figure)
                }
                blocks += [
                    .figures(figures),
                    .note(
                        "The first \(rows.count) images in val, by name\(seedRemark(group)), seen by the newest checkpoint."
                    ),
                ]
            } catch {
                problems.append("\(group.name): no pictures of regions: \(error)")
            }
        }
        let without = missing(
            "No checkpoint to draw with", groups.filter { $0.kind == .segment && $0.first.checkpoint == nil })
        return blocks.isEmpty && without.isEmpty ? [] : [Page.Section("What the models find", blocks + without)]
    }
}
