//! Kernels of operations made ready for a program: what is known when it is planned is decided then.

use smallvec::SmallVec;
use wengert_tensor::kernel::Bound;
use wengert_tensor::{DType, Data, DataMut, Layout, Result, View, ViewMut};

use super::Op;
use crate::ty::Type;

impl Op {
    /// The operation's kernel for operands of these dtypes and layouts and a row-major result. It is called
    /// with the data that the layouts lead into and gives the bits of [`Rule::eval`](super::Rule::eval).
    ///
    /// Where every layout is contiguous from the start of its data, an
    /// [elementwise](super::Rule::is_elementwise) operation's kernel takes slices of any one length.
    pub fn bind(&self, x: &[(DType, &Layout)], out: &Type) -> Bound {
        let rule = self.rule();
        if let Some(bound) = rule.bind(x, out) {
            return bound;
        }
        let op = self.clone();
        if rule.is_elementwise() && x.iter().all(|(_, layout)| layout.offset() == 0 && layout.is_contiguous()) {
            return Bound::new(move |x, out| {
                let layout = Layout::contiguous([out.len()].into());
                eval(&op, x.iter().map(|&x| (x, &layout)), out, layout.shape())
            });
        }
        let layouts: SmallVec<[Layout; 2]> = x.iter().map(|&(_, layout)| layout.clone()).collect();
        let shape = out.shape.clone();
        Bound::new(move |x, out| eval(&op, x.iter().copied().zip(&layouts), out, &shape))
    }
}

fn eval<'a>(
    op: &Op,
    x: impl Iterator<Item = (Data<'a>, &'a Layout)>,
    out: DataMut,
    shape: &wengert_tensor::Shape,
) -> Result<()> {
    let views: SmallVec<[View; 4]> = x.map(|(data, layout)| View::new(data, layout)).collect::<Result<_>>()?;
    op.rule().eval(&views, ViewMut::new(out, shape)?)
}
