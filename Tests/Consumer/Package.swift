// swift-tools-version: 6.1
// A package outside of Apus that depends on it, as a user's would: Scripts/consumer builds and runs it.
import Foundation
import PackageDescription

let apus = ProcessInfo.processInfo.environment["APUS"] ?? "../.."

let package = Package(
    name: "Consumer",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "Apus", path: apus)],
    targets: [.executableTarget(name: "Consumer", dependencies: [.product(name: "Apus", package: "Apus")])]
)
