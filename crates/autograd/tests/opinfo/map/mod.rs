//! The operations: a signature in PyTorch's words, and what to call for it.
//!
//! Where PyTorch's signature is peculiar (a `reduction`, an overload, an axis of rank 0), the peculiarity
//! becomes a choice of ours here, never one of the library. What the library has no operations
//! for stands in [`UNMAPPED`] with the reason.

mod activation;
mod compare;
mod conv;
mod elementwise;
mod index;
mod linalg;
mod linear;
mod loss;
mod norm;
mod pool;
mod reduce;
mod resize;
mod scan;
mod shape;

use wengert_autograd::Var;

use crate::args::Args;
use crate::check::Part;
use crate::sample::Sample;

/// One operation: `name(parameters)` with defaults in JSON, and the call.
pub struct Operation {
    pub signature: &'static str,
    pub run: for<'a, 't> fn(&'a Args<'t>) -> Outputs<'t>,
}

impl Operation {
    fn name(&self) -> &'static str {
        self.signature.split('(').next().unwrap_or_default()
    }

    /// Whether the reference's forward rule presumes symmetric tangents, which those of the samples are not: what it
    /// then gives is no derivative.
    pub fn presumes_symmetry(&self) -> bool {
        matches!(self.name(), "linalg.cholesky" | "linalg.eigh")
    }

    /// What errors are allowed in a part of a sample: relative to the element, and absolute.
    pub fn tolerance(&self, part: Part) -> (f64, f64) {
        let mut excuses = LOOSER.iter().filter(|excuse| excuse.parts.contains(&part));
        let excuse = excuses.find(|excuse| excuse.operations.contains(&self.name()));
        excuse.map_or((1e-9, 0.0), |excuse| (excuse.relative, excuse.absolute))
    }
}

/// What an operation returns: one variable or several.
pub struct Outputs<'t>(pub Vec<Var<'t>>);

impl<'t> From<Var<'t>> for Outputs<'t> {
    fn from(one: Var<'t>) -> Self {
        Self(vec![one])
    }
}

impl<'t> From<Vec<Var<'t>>> for Outputs<'t> {
    fn from(all: Vec<Var<'t>>) -> Self {
        Self(all)
    }
}

impl<'t, const N: usize> From<[Var<'t>; N]> for Outputs<'t> {
    fn from(all: [Var<'t>; N]) -> Self {
        Self(all.to_vec())
    }
}

/// Makes a family's `TABLE` of lines `"signature" => |args| outputs;`.
macro_rules! table {
    ($($signature:literal => |$args:ident| $body:expr;)*) => {
        /// This family's operations.
        pub const TABLE: &[$crate::map::Operation] = &[$($crate::map::Operation {
            signature: $signature,
            run: |$args| $crate::map::Outputs::from($body),
        }),*];
    };
}
use table;

const FAMILIES: &[&[Operation]] = &[
    elementwise::TABLE,
    compare::TABLE,
    reduce::TABLE,
    scan::TABLE,
    shape::TABLE,
    index::TABLE,
    linear::TABLE,
    linalg::TABLE,
    activation::TABLE,
    norm::TABLE,
    conv::TABLE,
    pool::TABLE,
    resize::TABLE,
    loss::TABLE,
];

/// The mapping of an operation, if it has one.
pub fn find(name: &str) -> Option<&'static Operation> {
    FAMILIES.iter().flat_map(|family| family.iter()).find(|operation| operation.name() == name)
}

/// Why an operation has no mapping.
pub fn why_not(name: &str) -> &'static str {
    let known = UNMAPPED.iter().find(|(operations, _)| operations.contains(&name));
    known.map_or("nobody wrote one", |(_, why)| why)
}

/// Why a sample of a mapped operation cannot be compared, if it cannot.
pub fn unfit(name: &str, sample: &Sample) -> Option<&'static str> {
    match name {
        "nn.functional.scaled_dot_product_attention" if sample.number("dropout_p").is_some_and(|p| p != 0.0) => {
            Some("dropout draws from the reference's generator")
        }
        _ => None,
    }
}

/// A larger error that some operations are allowed in some parts of a sample.
struct Excuse {
    operations: &'static [&'static str],
    parts: &'static [Part],
    relative: f64,
    absolute: f64,
    #[expect(dead_code, reason = "tells the reader of the table")]
    why: &'static str,
}

/// The reference is not exact everywhere.
const LOOSER: &[Excuse] = &[
    Excuse {
        operations: &[
            "nn.functional.batch_norm",
            "nn.functional.group_norm",
            "nn.functional.instance_norm",
            "nn.functional.layer_norm",
            "nn.functional.rms_norm",
        ],
        parts: &[Part::Jvp, Part::Vjp, Part::Second],
        relative: 1e-9,
        absolute: 1e-11,
        why: "one element minus its mean is 0, and what the reference has instead is divided by the root of eps",
    },
    Excuse {
        operations: &["logcumsumexp"],
        parts: &[Part::Second],
        relative: 1e-9,
        absolute: 1e-11,
        why: "zero at the first element, as a difference of exponentials of inputs up to 9",
    },
    Excuse {
        operations: &["logcumsumexp"],
        parts: &[Part::Jvp],
        relative: 1e-5,
        absolute: 0.0,
        why: "the reference adds 1e-13 to its divisor: the first element's tangent is not quite the input's",
    },
    Excuse {
        operations: &["nn.functional.hardsigmoid"],
        parts: &[Part::Jvp, Part::Vjp],
        relative: 1e-7,
        absolute: 0.0,
        why: "the reference's derivative is 1/6 in single precision",
    },
    Excuse {
        operations: &["nn.functional.celu"],
        parts: &[Part::Jvp, Part::Vjp, Part::Second],
        relative: 1e-7,
        absolute: 0.0,
        why: "the reference's derivatives have alpha in single precision: at -4.8 with alpha 0.8 they are off by 8e-8",
    },
    Excuse {
        operations: &["nn.functional.normalize"],
        parts: &[Part::Second],
        relative: 1e-9,
        absolute: 1e-11,
        why: "alone on its axis an element is 1 whatever it is, and what the reference has instead is the rounding of terms that cancel",
    },
];

/// What is not mapped, and why.
const UNMAPPED: &[(&[&str], &str)] = &[];
