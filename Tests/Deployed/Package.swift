// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "Deployed",
    platforms: [.macOS(.v15)],
    dependencies: [.package(path: "../Apus")],
    targets: [
        .executableTarget(name: "Deployed", dependencies: [.product(name: "ApusRuntime", package: "Apus")])
    ]
)
