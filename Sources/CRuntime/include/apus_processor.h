#ifndef APUS_PROCESSOR_H
#define APUS_PROCESSOR_H

/// Whether the processor, and the system it runs under, has a feature of LLVM's name, such as "avx2": 1 or 0, and -1
/// for a name that is not known here, or belongs to another architecture. The first question about tile registers
/// ("amx-…") asks the system for them, for the whole process; alternate signal stacks then have to be larger.
int apus_processor_has(const char *feature);

/// The architecture that this code was compiled for: "x86_64", "aarch64", or "other".
const char *apus_processor_architecture(void);

#endif
