/// The recipes of this folder, which are part of the program.
package enum ShippedRecipes {
    /// Name and YAML text of each.
    package static let all: [(name: String, text: String)] = [
        ("messidor2", PackageResources.messidor2_yaml),
        ("btmd", PackageResources.btmd_yaml),
        ("ham10000", PackageResources.ham10000_yaml),
        ("deeplesion", PackageResources.deeplesion_yaml),
        ("chestxray2017", PackageResources.chestxray2017_yaml),
        ("busi", PackageResources.busi_yaml),
        ("busi-segmentation", PackageResources.busi_segmentation_yaml),
        ("elpv", PackageResources.elpv_yaml),
        ("phantom", PackageResources.phantom_yaml),
    ].map { ($0, String(decoding: $1, as: UTF8.self)) }
}
