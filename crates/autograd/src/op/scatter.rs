//! Who comes to stand where an index puts them: what a scatter that replaces is made of, with a gather.

use wengert_tensor::{Error, Result, Tensor, View, ViewMut, kernel};

use super::gather::index_type;
use super::{Example, Rule, operands};
use crate::tape::Var;
use crate::ty::Type;

/// y[.., k[.., i, ..], ..] = i along `axis`, the last i where indices repeat, and -1 where none points
///
/// The index k is of i64, as y, and neither has a derivative.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArgScatter {
    /// The axis that the index counts along.
    pub axis: usize,
    /// Its size in the result, whose other axes are the index's.
    pub size: usize,
}

impl Rule for ArgScatter {
    fn name(&self) -> &'static str {
        "arg_scatter"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let [index] = operands("arg_scatter", x)?;
        index_type("arg_scatter", index)?;
        match self.axis < index.shape.rank() {
            true => Ok(index.with_shape(index.shape.with_size(self.axis, self.size))),
            false => Err(Error::index(format!("arg_scatter: an index {} has no axis {}", index.shape, self.axis))),
        }
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::gather::arg_scatter(self.axis, x[0], out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, _: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        None
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, _: Var<'t>) -> Option<Var<'t>> {
        None
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0].tape().record(ArgScatter { axis: self.axis + 1, size: self.size }, x)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        let index = Tensor::from([[2, 0, 2, 1], [0, 0, 0, 3]]);
        [(0, 4), (1, 5)].map(|(axis, size)| Example::new(ArgScatter { axis, size }, [index.clone()])).into()
    }
}

impl<'t> Var<'t> {
    /// For every place along `axis`, of `size`, the last position along it at which this index names the place; else -1.
    #[track_caller]
    pub(crate) fn arg_scatter(self, axis: usize, size: usize) -> Self {
        self.tape().record(ArgScatter { axis, size }, &[self])
    }
}
