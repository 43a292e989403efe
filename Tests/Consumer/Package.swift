// swift-tools-version: 6.1
import PackageDescription

let apus: Target.Dependency = .product(name: "Apus", package: "Apus")

let package = Package(
    name: "Consumer",
    platforms: [.macOS(.v15)],
    dependencies: [.package(path: "../Apus")],
    targets: [
        .executableTarget(name: "First", dependencies: [apus]),
        .target(name: "Spirals", dependencies: [apus]),
        .executableTarget(name: "Train", dependencies: ["Spirals"]),
        .executableTarget(name: "Predict", dependencies: ["Spirals"]),
    ]
)
