#include "CLLVMLinking.h"

#include <llvm/Config/llvm-config.h>
#include <llvm/ExecutionEngine/Orc/RTDyldObjectLinkingLayer.h>
#include <llvm/ExecutionEngine/RTDyldMemoryManager.h>
#include <llvm/Support/Memory.h>
#include <llvm/Support/Process.h>

namespace {

using llvm::sys::Memory;
using llvm::sys::MemoryBlock;

#if LLVM_VERSION_MAJOR < 17
using SectionAlignment = uint32_t;
#else
using SectionAlignment = llvm::Align;
#endif

/// The sections of one object in memory of one piece: code, constants and variables, each kind from a page on.
class OnePiece final : public llvm::RTDyldMemoryManager {
    /// The sections of one kind, one after the other.
    struct Kind {
        uint8_t *start = nullptr;
        size_t byteCount = 0, used = 0;

        uint8_t *allocate(size_t size, size_t alignment) {
            const size_t place = (used + alignment - 1) / alignment * alignment;
            if (start == nullptr || place + size > byteCount) return nullptr;
            used = place + size;
            return start + place;
        }

        std::error_code protect(unsigned flags) const {
            return byteCount == 0 ? std::error_code()
                                  : Memory::protectMappedMemory(MemoryBlock(start, byteCount), flags);
        }
    };

    MemoryBlock memory;
    Kind code, constants, variables;

  public:
    ~OnePiece() override { Memory::releaseMappedMemory(memory); }

    bool needsToReserveAllocationSpace() override { return true; }

    // Pages are aligned by more than any section is.
    void reserveAllocationSpace(uintptr_t codeSize, SectionAlignment, uintptr_t constantSize, SectionAlignment,
                                uintptr_t variableSize, SectionAlignment) override {
        const size_t page = llvm::sys::Process::getPageSizeEstimate();
        const auto wholePages = [page](size_t size) { return (size + page - 1) / page * page; };
        code.byteCount = wholePages(codeSize);
        constants.byteCount = wholePages(constantSize);
        // Each function elsewhere that is called has an address of 8 bytes there, which the linker does not count; its
        // call and its stub in the code take more.
        variables.byteCount = wholePages(variableSize + codeSize);
        std::error_code error;
        memory = Memory::allocateMappedMemory(code.byteCount + constants.byteCount + variables.byteCount, nullptr,
                                              Memory::MF_READ | Memory::MF_WRITE, error);
        if (error) return;
        code.start = static_cast<uint8_t *>(memory.base());
        constants.start = code.start + code.byteCount;
        variables.start = constants.start + constants.byteCount;
    }

    uint8_t *allocateCodeSection(uintptr_t size, unsigned alignment, unsigned, llvm::StringRef) override {
        return code.allocate(size, alignment == 0 ? 16 : alignment);
    }

    uint8_t *allocateDataSection(uintptr_t size, unsigned alignment, unsigned, llvm::StringRef,
                                 bool isReadOnly) override {
        return (isReadOnly ? constants : variables).allocate(size, alignment == 0 ? 16 : alignment);
    }

    bool finalizeMemory(std::string *message) override {
        std::error_code error = code.protect(Memory::MF_READ | Memory::MF_EXEC);
        if (!error) error = constants.protect(Memory::MF_READ);
        if (error && message != nullptr) *message = error.message();
        return static_cast<bool>(error);
    }
};

}  // namespace

LLVMOrcObjectLayerRef apusCreateLinkingLayer(void *, LLVMOrcExecutionSessionRef session, const char *) {
    auto &execution = *reinterpret_cast<llvm::orc::ExecutionSession *>(session);
    auto *layer =
        new llvm::orc::RTDyldObjectLinkingLayer(execution, [] { return std::make_unique<OnePiece>(); });
    return reinterpret_cast<LLVMOrcObjectLayerRef>(static_cast<llvm::orc::ObjectLayer *>(layer));
}
