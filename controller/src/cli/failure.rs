//! Why a subcommand did not succeed.

/// What is said on standard error, and the exit code.
#[derive(Debug)]
pub(super) struct Failure {
    /// One line that names the object, the field and what to do; none where it was said already.
    message: Option<String>,
    exit_code: u8,
}

impl Failure {
    /// It was tried, and did not work.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), exit_code: 1 }
    }

    /// It was asked wrongly, and not tried.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), exit_code: 2 }
    }

    /// It did not work, and every problem was said already.
    pub(super) fn said() -> Self {
        Self { message: None, exit_code: 1 }
    }

    /// It worked, and what was found has this exit code.
    pub(super) fn found(exit_code: u8) -> Self {
        Self { message: None, exit_code }
    }

    /// It did not work, and the log says why.
    pub(super) fn logged() -> Self {
        Self { message: None, exit_code: 1 }
    }

    /// The same, once the log says why.
    pub(super) fn as_logged(&self) -> Self {
        Self { message: None, exit_code: self.exit_code }
    }

    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    pub(super) fn exit_code(&self) -> u8 {
        self.exit_code
    }
}
