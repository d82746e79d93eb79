//! Cotangents of what is multiplied again and again.
//!
//! A matrix that many steps use, such as a recurrent layer's weight, has a cotangent that is a sum of products aᵀ b, one
//! a step, each as large as the matrix. Where a and b are smaller together, they wait until all are known: the sum is one product of
//! their concatenations, which writes the matrix once.

use std::panic::Location;

use super::Span;
use crate::op::Op;
use crate::tape::Var;

/// The product aᵀ b as a cotangent.
pub(super) struct Product<'t> {
    a: Var<'t>,
    b: Var<'t>,
    /// The axis over which is summed: 0, or 1 for the product a bᵀ.
    axis: usize,
    /// The line of the product that it comes from.
    at: &'static Location<'static>,
}

impl<'t> Product<'t> {
    /// What the cotangent of a product, of the line `at`, is of its operand `k`, where it is better off with others.
    pub fn of(op: &Op, k: usize, x: &[Var<'t>], ybar: Var<'t>, at: &'static Location<'static>) -> Option<Self> {
        let (Op::Matmul(_), &[left, right]) = (op, x) else { return None };
        let (this, other) = if k == 0 { (left, right) } else { (right, left) };
        let (&[m, n], &[p, q]) = (&this.shape()[..], &other.shape()[..]) else { return None };
        let (own, summed) = (m * n, if k == 0 { q } else { p });
        let small = own > 0 && summed.checked_mul(m + n).is_some_and(|factors| factors <= own);
        let (a, b) = if k == 0 { (ybar, right) } else { (left, ybar) };
        small.then_some(Self { a, b, axis: 1 - k, at })
    }

    /// Its transpose: the cotangent of a matrix whose transpose it is the cotangent of.
    pub fn t(self) -> Self {
        Self { a: self.b, b: self.a, ..self }
    }
}

/// Which variables of a span are used more than once, or are another view of what is.
pub(super) fn shared(span: &Span) -> Vec<bool> {
    let mut uses = vec![0_u32; span.len];
    span.with_eqns(|eqns| {
        let places = eqns.iter().flat_map(|eqn| &eqn.operands).filter_map(|&x| span.place(x));
        places.for_each(|place| uses[place] = uses[place].saturating_add(1));
        for (i, eqn) in eqns.iter().enumerate() {
            if let (Op::Permute(_), Some(place)) = (&eqn.op, eqn.operands.first().and_then(|&x| span.place(x))) {
                uses[i] = uses[i].max(uses[place]);
            }
        }
    });
    uses.iter().map(|&n| n > 1).collect()
}

/// The cotangents of a variable that are products: their sum is the cotangent.
pub(super) fn summed<'t>(mut products: Vec<Product<'t>>) -> Vec<Var<'t>> {
    let mut sums = Vec::new();
    while let Some(&Product { axis, a, at, .. }) = products.first() {
        let (alike, others) = products.into_iter().partition::<Vec<_>, _>(|product| product.axis == axis);
        products = others;
        sums.push(a.tape.originating(at, || {
            let together = |factor: fn(&Product<'t>) -> Var<'t>| match &alike[..] {
                [one] => factor(one),
                _ => Var::concat(&alike.iter().map(factor).collect::<Vec<_>>(), axis as isize),
            };
            let (a, b) = (together(|product| product.a), together(|product| product.b));
            if axis == 0 { a.t().matmul(b) } else { a.matmul(b.t()) }
        }));
    }
    sums
}
