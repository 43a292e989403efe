/// The C files of this folder as texts: what every C library contains beside its model.
package enum RuntimeTexts {
    /// Name and text of each file that is compiled, or included by one.
    package static let sources: [(name: String, text: String)] = [
        ("apus_processor.h", PackageResources.apus_processor_h),
        ("apus_pool.h", PackageResources.apus_pool_h),
        ("apus_threads.h", PackageResources.apus_threads_h),
        ("apus_sort.h", PackageResources.apus_sort_h),
        ("apus_initial.h", PackageResources.apus_initial_h),
        ("apus_memory.h", PackageResources.apus_memory_h),
        ("apus_model.h", PackageResources.apus_model_h),
        ("apus_instance.h", PackageResources.apus_instance_h),
        ("processor.c", PackageResources.processor_c),
        ("pool.c", PackageResources.pool_c),
        ("threads.c", PackageResources.threads_c),
        ("sort.c", PackageResources.sort_c),
        ("initial.c", PackageResources.initial_c),
        ("memory.c", PackageResources.memory_c),
        ("instance.c", PackageResources.instance_c),
        ("run.c", PackageResources.run_c),
        ("weights.c", PackageResources.weights_c),
    ].map { ($0, String(decoding: $1, as: UTF8.self)) }

    /// The interface, in which the line `//MODEL//` stands for what is true of one model alone.
    package static let interface = String(decoding: PackageResources.apus_library_h, as: UTF8.self)
    /// The example, a program that runs a library's model.
    package static let example = String(decoding: PackageResources.main_c, as: UTF8.self)
}
