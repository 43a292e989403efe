// What `import Apus` brings: all rooms of the framework.
@_exported import ApusCodegen
@_exported import ApusData
@_exported import ApusExport
@_exported import ApusFiles
@_exported import ApusIR
@_exported import ApusLayers
@_exported import ApusRuntime
@_exported import ApusSystem
@_exported import ApusTraining
@_exported import ApusTransforms
