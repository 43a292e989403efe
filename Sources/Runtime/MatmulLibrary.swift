import COpenBLAS

/// The library that computes matmuls which are not generated.
public enum MatmulLibrary {
    /// Its version, how it was built, and the processor that it computes for.
    public static let description = openblas_get_config().map { String(cString: $0) } ?? "an unknown version"
}
