//! Kernels of operations made ready for a program: what is known when it is planned is decided then.

use smallvec::SmallVec;
use wengert_tensor::kernel::Bound;
use wengert_tensor::view::Frame;
use wengert_tensor::{DType, Layout, Result, View, ViewMut};

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
                let frame = Frame::new(Layout::contiguous([out.len()].into()));
                let views = x.iter().map(|&x| View::framed(x, &frame)).collect::<Result<SmallVec<[_; 4]>>>()?;
                op.rule().eval(&views, ViewMut::new(out, frame.layout().shape())?)
            });
        }
        let frames: SmallVec<[Frame; 2]> = x.iter().map(|&(_, layout)| Frame::new(layout.clone())).collect();
        let shape = out.shape.clone();
        Bound::new(move |x, out| {
            let views = x.iter().zip(&frames).map(|(&x, frame)| View::framed(x, frame));
            op.rule().eval(&views.collect::<Result<SmallVec<[_; 4]>>>()?, ViewMut::new(out, &shape)?)
        })
    }
}
