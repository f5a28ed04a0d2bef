//! Why a pickle was refused.

/// Where in a pickle the reader stopped, and why. Nothing of the pickle was executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pickle refused at byte {offset}: {fault}")]
pub struct PickleError {
    /// Bytes from the start of the pickle.
    pub offset: u64,
    /// What was met there.
    pub fault: PickleFault,
}

/// What is wrong with a pickle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PickleFault {
    /// An opcode that PyTorch does not write.
    #[error("opcode {0:#04x} is not on the list of allowed opcodes")]
    Opcode(u8),
    /// An opcode of the first two protocols, which PyTorch does not write.
    #[error(
        "it has pickle protocol 0 or 1 (opcode {0:#04x}); save it again with protocol 2 or above"
    )]
    OldProtocol(u8),
    /// A name that no dictionary of tensors needs.
    #[error(
        "it imports `{0}`, which is not on the list of allowed names (nothing was executed); \
         save a model as `torch.save(model.state_dict(), …)`"
    )]
    Import(String),
    /// A call of something that is no imported name.
    #[error("it calls {0} instead of an imported name")]
    Call(&'static str),
    /// The pickle ends before its STOP opcode.
    #[error("the pickle ends early")]
    Truncated,
    /// An opcode takes values that were never put on the stack.
    #[error("an opcode takes more values than there are")]
    StackUnderflow,
    /// An opcode refers to a memorised value that does not exist.
    #[error("nothing was memorised under {0}")]
    Memo(u32),
    /// An opcode takes a value of another kind.
    #[error("{found} stands where {expected} should be")]
    Kind {
        /// What the opcode takes.
        expected: &'static str,
        /// What it got.
        found: &'static str,
    },
    /// A dictionary gets a key without a value.
    #[error("a dictionary gets a key without a value")]
    OddItems,
    /// A string is not UTF-8.
    #[error("a string is not UTF-8")]
    Text,
    /// An integer has more bytes than any checkpoint needs.
    #[error("an integer of {0} bytes, more than 255")]
    WideInteger(u64),
    /// A protocol that this reader does not know.
    #[error("protocol {0}, more than 5")]
    Protocol(u8),
    /// The pickle is longer than the limit.
    #[error("the pickle is longer than the limit of {0} bytes")]
    TooLong(u64),
    /// The pickle builds more values than the limit.
    #[error("the pickle builds more values than the limit of {0}")]
    TooManyValues(usize),
    /// What the pickle builds would take more memory than the limit.
    #[error("the pickle would take more memory than the limit of {0} bytes")]
    TooMuchMemory(usize),
    /// The operating system refused to read.
    #[error("{0}")]
    Io(String),
}
