import Apus
import ApusReport
import Foundation

extension RunReport {
    /// Images on one page where nothing else is asked for.
    private static let images = 24

    /// Where the models look, and what they make of hidden patches: of the first images of each class, by name.
    static func pictures(_ groups: [RunGroup], _ options: Options, _ problems: inout [String]) -> [Page.Section] {
        var attention: [Page.Block] = [], reconstructions: [Page.Block] = []
        for group in groups where group.kind != .segment {
            do {
                guard let drawn = try draw(group, options) else { continue }
                let heading = groups.count > 1 ? [Page.Block.heading(group.name)] : []
                attention += heading + [.figures(drawn.attention), .note(drawn.remark)]
                guard !drawn.reconstructions.isEmpty else { continue }
                reconstructions +=
                    heading
                    + [
                        .figures(drawn.reconstructions),
                        .note(
                            drawn.remark
                                + " Masked patches are grey; dark red ones were thrown away, and nothing is predicted there."
                        ),
                    ]
            } catch {
                problems.append("\(group.name): no pictures: \(error)")
            }
        }
        let withoutCheckpoint = missing(
            "No checkpoint to draw with", groups.filter { $0.kind != .segment && $0.first.checkpoint == nil })
        let sections = [("Where the models look", attention), ("Reconstructions", reconstructions)].filter {
            !$0.1.isEmpty
        }
        guard !sections.isEmpty else {
            return withoutCheckpoint.isEmpty ? [] : [Page.Section("Where the models look", withoutCheckpoint)]
        }
        return sections.map { Page.Section($0.0, $0.1 + withoutCheckpoint) }
    }

    private struct Drawn {
        var attention: [Page.CaptionedFigure] = [], reconstructions: [Page.CaptionedFigure] = []
        var remark = ""
    }

    /// The pictures of one run's newest checkpoint; nil if it has none.
    private static func draw(_ group: RunGroup, _ options: Options) throws -> Drawn? {
        let record = group.first
        guard let checkpoint = record.checkpoint else { return nil }
        let model = try TrainedModel(checkpoint: checkpoint, threads: options.threads, pinned: options.pinned)
        let (folder, part) = try imageFolder(of: record)
        let perClass = options.imagesPerClass ?? min(max(Self.images / folder.classes.count, 1), 2)
        var drawn = Drawn(), index = 0
        for (label, name) in folder.classes.enumerated() {
            var attention: [PictureGrid.Row] = [], reconstructions: [PictureGrid.Row] = []
            for item in folder.items.filter({ $0.label == Int32(label) }).prefix(perClass) {
                let image = try model.input(model.decoder.decode(path: item.path)),
                    title = item.path.below(folder.root)
                attention.append(
                    PictureGrid.Row(title, [try image.pngData(), try model.attentionPicture(of: image).pngData()]))
                if record.kind == .pretrain {
                    let row = try model.reconstructionPicture(of: image, index: index)
                    reconstructions.append(
                        PictureGrid.Row(title, try row.tiles(side: model.configuration.image).map { try $0.pngData() }))
                }
                index += 1
            }
            func figure(_ kind: String, _ columns: [String], _ rows: [PictureGrid.Row]) -> Page.CaptionedFigure {
                Page.CaptionedFigure(
                    PictureGrid(name: "\(kind) \(group.name) \(name)".slug, title: name, columns: columns, rows: rows)
                        .figure)
            }
            drawn.attention.append(figure("attention", ["image", "attention of the class token"], attention))
            if !reconstructions.isEmpty {
                drawn.reconstructions.append(
                    figure("reconstruction", ["seen", "rebuilt", "original"], reconstructions))
            }
        }
        drawn.remark =
            "The first \(perClass == 1 ? "image" : "\(perClass) images") of each class in \(part), by name\(seedRemark(group)), "
            + "seen by the newest checkpoint, \(checkpoint.split(separator: "/").last ?? "")."
        return drawn
    }

    /// The images that a run was not trained on; those of training if there are no others.
    private static func imageFolder(of record: RunRecord) throws -> (folder: ImageFolder, part: String) {
        guard case .text(let data)? = record.settings["data"] else {
            throw RunRecordError.broken(path: "\(record.path)/config.json", line: nil, reason: "it names no data")
        }
        guard Folders.isFolder("\(data)/val") else {
            return (try ImageFolder(root: "\(data)/train"), "train, on which the model was trained")
        }
        return (try ImageFolder(root: "\(data)/val"), "val")
    }
}

extension RGBImage {
    /// The square images of a row, without the gaps between them.
    func tiles(side: Int) throws -> [RGBImage] {
        try stride(from: 0, to: width, by: side + Self.rowGap).map { left in
            try cropped(to: PixelRect(left: left, top: 0, width: side, height: height))
        }
    }
}
