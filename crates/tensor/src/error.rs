//! The one error type of the workspace: a sentence with the values in it, and where it happened.
//!
//! Every message reads on its own, names the operation, and shows the shapes, dtypes or numbers
//! that were wrong. Whatever reports an error has changed nothing.

use std::fmt;
use std::panic::Location;

/// The result of everything in Wengert that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of mistake an [`Error`] reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes that do not fit each other or the operation.
    Shape,
    /// A dtype that the operation does not take, or two that differ.
    DType,
    /// An axis or an index out of range.
    Index,
    /// A number out of range: a negative rate, a zero stride, an unknown name.
    Value,
    /// An array too large to allocate or to address.
    Memory,
    /// A derivative that does not exist or would be lost.
    Gradient,
    /// A NaN or an infinity, found by the anomaly switch.
    NonFinite,
    /// Parameters that are missing, left over or mis-shaped.
    Parameter,
    /// A variable used where it cannot be: on another tape, or before it has a value.
    Tape,
    /// A file that cannot be read or written.
    File,
}

/// A mistake, as a sentence with the shapes in it.
///
/// ```
/// use wengert_tensor::Tensor;
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// let err = x.reshape([3]).unwrap_err();
/// assert_eq!(err.to_string(), "reshape: [2, 2] has 4 elements and [3] has 3");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}{}", Place(.location))]
pub struct Error {
    kind: ErrorKind,
    sentence: String,
    location: Option<&'static Location<'static>>,
}

impl Error {
    /// An error of a kind, from a sentence that starts with the operation's name.
    pub fn new(kind: ErrorKind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into(), location: None }
    }

    /// The same error, said to have happened at `location`, unless it already has a place.
    pub fn at(mut self, location: &'static Location<'static>) -> Self {
        self.location.get_or_insert(location);
        self
    }

    /// The same error with `context` and a colon before its sentence.
    pub fn within(mut self, context: impl fmt::Display) -> Self {
        self.sentence = format!("{context}: {}", self.sentence);
        self
    }

    /// What kind of mistake it was.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence, without the place.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The line of the user's program that made the mistake, where one is known.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {
        impl Error {
            $($(#[$doc])* pub fn $name(sentence: impl Into<String>) -> Self {
                Self::new(ErrorKind::$kind, sentence)
            })*
        }
    };
}

kinds! {
    /// An error of kind [`ErrorKind::Shape`].
    shape => Shape;
    /// An error of kind [`ErrorKind::DType`].
    dtype => DType;
    /// An error of kind [`ErrorKind::Index`].
    index => Index;
    /// An error of kind [`ErrorKind::Value`].
    value => Value;
    /// An error of kind [`ErrorKind::Memory`].
    memory => Memory;
    /// An error of kind [`ErrorKind::Gradient`].
    gradient => Gradient;
    /// An error of kind [`ErrorKind::NonFinite`].
    non_finite => NonFinite;
    /// An error of kind [`ErrorKind::Parameter`].
    parameter => Parameter;
    /// An error of kind [`ErrorKind::Tape`].
    tape => Tape;
    /// An error of kind [`ErrorKind::File`].
    file => File;
}

struct Place<'a>(&'a Option<&'static Location<'static>>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => write!(f, ", at {at}"),
            None => Ok(()),
        }
    }
}
