import ApusReport
import CLibrsvg

extension Figure {
    /// The figure as a PNG file, drawn on light paper by librsvg; `scale` is the number of pixels to a unit.
    ///
    /// Throws ``RenderingError`` if librsvg or cairo refuse.
    public func png(scale: Double = 2) throws(RenderingError) -> [UInt8] {
        let columns = (width * scale).rounded(.up), rows = (height * scale).rounded(.up)
        // cairo's images have at most this many pixels along a side.
        guard columns >= 1, rows >= 1, columns < 32768, rows < 32768 else {
            throw .wrongSize(name: name, width: columns, height: rows)
        }
        let text = Array(file.utf8)
        guard let handle = rsvg_handle_new_from_data(text, text.count, nil) else { throw .notDrawn(name: name) }
        defer { g_object_unref(UnsafeMutableRawPointer(handle)) }
        let surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, Int32(columns), Int32(rows))
        defer { cairo_surface_destroy(surface) }
        let context = cairo_create(surface)
        defer { cairo_destroy(context) }
        var viewport = RsvgRectangle(x: 0, y: 0, width: width * scale, height: height * scale)
        guard rsvg_handle_render_document(handle, context, &viewport, nil) != 0 else { throw .notDrawn(name: name) }
        let collector = Collector()
        let status = cairo_surface_write_to_png_stream(
            surface,
            { collector, bytes, count in
                guard let collector, let bytes else { return CAIRO_STATUS_WRITE_ERROR }
                Unmanaged<Collector>.fromOpaque(collector).takeUnretainedValue().bytes += UnsafeBufferPointer(
                    start: bytes, count: Int(count))
                return CAIRO_STATUS_SUCCESS
            }, Unmanaged.passUnretained(collector).toOpaque())
        guard status == CAIRO_STATUS_SUCCESS else { throw .notDrawn(name: name) }
        return collector.bytes
    }
}

/// Where cairo's writer puts the bytes of a file.
private final class Collector {
    var bytes: [UInt8] = []
}

/// Why there is no picture of a figure.
public enum RenderingError: Error, Hashable, Sendable, CustomStringConvertible {
    case wrongSize(name: String, width: Double, height: Double)
    case notDrawn(name: String)

    public var description: String {
        switch self {
        case .wrongSize(let name, let width, let height):
            "the figure '\(name)' of \(Int(width)) x \(Int(height)) pixels cannot be drawn; it may have up to 32767 along a side: choose a smaller scale"
        case .notDrawn(let name): "librsvg cannot draw the figure '\(name)'; check its SVG file"
        }
    }
}
