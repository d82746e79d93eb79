//! [`Rule`]: what is known about an operation, and the helpers that rules share.
//!
//! Laws that every rule obeys, checked over the whole table by `tests/laws.rs`: `jvp` is the
//! directional derivative, `vjp` is its adjoint, both hold again for the equations they record, and
//! `batch` equals a loop.

use std::any::{Any, TypeId};
use std::fmt::{self, Debug};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;
use wengert_tensor::kernel::Bound;
use wengert_tensor::{DType, Error, Layout, Result, Tensor, View, ViewMut};

use super::Op;
use crate::tape::Var;
use crate::ty::Type;

/// The rules of one operation.
///
/// `x` are its operands, `y` its result; `dx`, `dy` are tangents, `ybar` is the cotangent of `y`.
/// All but `infer` rely on operands that `infer` accepted: the tape calls them with no others.
/// Derivatives are recorded with [`Var`] operators, so they have derivatives of their own. `None` is
/// a symbolic zero: a derivative that is zero everywhere, or does not exist.
pub trait Rule: Any + Debug + Send + Sync {
    /// The operation's name in messages and printed tapes.
    fn name(&self) -> &'static str;

    /// The type of the result, or a sentence that starts with the name and says what is wrong.
    ///
    /// # Errors
    /// Operands that the operation does not take, or not so many.
    fn infer(&self, x: &[&Type]) -> Result<Type>;

    /// Where the result is the first operand seen through another layout: that layout.
    fn alias(&self, _x: &Layout) -> Option<Layout> {
        None
    }

    /// Whether each element of the result depends on the operands' elements at the same index alone, so that
    /// any part of it can be computed from the same parts of them.
    fn is_elementwise(&self) -> bool {
        false
    }

    /// Whether the kernel takes bf16 and f16 itself, as one does that moves elements and computes nothing of them. For any
    /// other operation the tape casts operands of [half precision](DType::is_half) to f32, and the result back.
    fn takes_halves(&self) -> bool {
        false
    }

    /// Where the result is a vector of which only some ranges of places are read: the operation that makes what is read
    /// and no more, if there is one.
    fn narrowed(&self, _read: &[Range<usize>]) -> Option<Narrowed> {
        None
    }

    /// Computes the result by a kernel. The result's memory has the type that [`infer`](Self::infer) gave.
    ///
    /// # Errors
    /// Values that the operation does not take, such as an index out of range.
    fn eval(&self, x: &[View], out: ViewMut) -> Result<()>;

    /// The kernel of [`eval`](Self::eval) made ready for operands of these dtypes and layouts: the same bits, without
    /// deciding anything anew. Where this is `None`, [`eval`](Self::eval) is called; programs ask [`Op::bind`].
    fn bind(&self, _x: &[(DType, &Layout)], _out: &Type) -> Option<Bound> {
        None
    }

    /// The bytes that the kernel works in beside operands and result, on a thread, and keeps for the next time: what plans
    /// count.
    fn workspace(&self) -> usize {
        0
    }

    /// How many operations on numbers make a result of type `y` of operands of types `x`, a multiplication and an addition
    /// being two: what plans and [profiles](crate::Profile) show. One an element, where the operation is elementwise;
    /// otherwise none, as for what only moves elements, unless it says so.
    fn flops(&self, _x: &[&Type], y: &Type) -> u64 {
        if self.is_elementwise() { y.shape.numel() as u64 } else { 0 }
    }

    /// The tangent of the result, from those of the operands, at least one of which is there.
    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>>;

    /// The cotangent of operand `i`, from that of the result.
    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>>;

    /// The cotangents of all operands, from an operation that can only find them together. Where this is
    /// `None`, as for most, [`vjp`](Self::vjp) is asked for those that are needed.
    fn vjps<'t>(&self, _x: &[Var<'t>], _y: Var<'t>, _ybar: Var<'t>) -> Option<Vec<Option<Var<'t>>>> {
        None
    }

    /// The operation done `n` times at once: the operands with `batched` set, one at least, have a
    /// leading axis of size `n` more; so has the result.
    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t>;

    /// What a printed tape shows beneath the equation, a line each: the equations of a loop's body.
    fn lines(&self) -> Vec<String> {
        Vec::new()
    }

    /// Operands at which the laws are checked: floats in f64, away from kinks and poles. The table's operations all
    /// have some; an operation of the user's own may be checked by tests of the user's own.
    fn examples() -> Vec<Example>
    where
        Self: Sized,
    {
        Vec::new()
    }
}

/// What is left of an operation, once it only makes what is read of its result.
#[derive(Debug, Clone)]
pub struct Narrowed {
    /// The operation, whose result is a shorter vector.
    pub op: Op,
    /// Which of the operands it still has.
    pub operands: Vec<usize>,
    /// Where each range that is read begins in the shorter vector.
    pub starts: Vec<usize>,
}

/// An operation with operands at which the laws are checked.
#[derive(Debug, Clone)]
pub struct Example {
    /// The operation.
    pub op: Op,
    /// Its operands.
    pub x: Vec<Tensor>,
}

impl Example {
    /// An operation at some operands.
    pub fn new(op: impl Into<Op>, x: impl Into<Vec<Tensor>>) -> Self {
        Self { op: op.into(), x: x.into() }
    }
}

/// An operation that is not in the table: a user's own, with its own rules. Two are equal where their
/// rules are of one type and equal, so that a program that was made for one serves the other.
///
/// ```
/// use wengert_autograd::op::{Custom, Op, Rule, operands};
/// use wengert_autograd::{Type, Var, grad};
/// use wengert_tensor::{Error, Result, Tensor, View, ViewMut, kernel::each};
///
/// /// y = x³,  dy/dx = 3 x²
/// #[derive(Debug, PartialEq, Eq, Hash)]
/// struct Cube;
///
/// impl Rule for Cube {
///     fn name(&self) -> &'static str {
///         "cube"
///     }
///
///     fn infer(&self, x: &[&Type]) -> Result<Type> {
///         let [x] = operands("cube", x)?;
///         if !x.dtype.is_float() {
///             return Err(Error::dtype(format!("cube: takes a float dtype, got {x}")));
///         }
///         Ok(x.clone())
///     }
///
///     fn is_elementwise(&self) -> bool {
///         true
///     }
///
///     fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
///         each::map1("cube", x[0].typed::<f64>("cube")?, out.typed::<f64>("cube")?, &|x, y| {
///             y.iter_mut().zip(x).for_each(|(y, x)| *y = x * x * x);
///         })
///     }
///
///     fn jvp<'t>(&self, x: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
///         Some(3.0 * x[0] * x[0] * dx[0]?)
///     }
///
///     fn vjp<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
///         Some(3.0 * x[0] * x[0] * ybar)
///     }
///
///     fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
///         cube(x[0])
///     }
/// }
///
/// fn cube(x: Var<'_>) -> Var<'_> {
///     x.tape().record(Custom::new(Cube), &[x])
/// }
///
/// let x = Tensor::from([2.0, -1.0]);
/// let second = grad(|x| cube(x).sum().grad(x).sum(), &x)?;
/// assert_eq!(second, Tensor::from([12.0, -6.0]));
/// assert_eq!(Op::from(Custom::new(Cube)), Op::from(Custom::new(Cube)));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone)]
pub struct Custom {
    rule: Arc<dyn Rule>,
    equal: fn(&dyn Rule, &dyn Rule) -> bool,
    hash: u64,
}

impl Custom {
    /// An operation with the given rules.
    pub fn new<R: Rule + PartialEq + Hash>(rule: R) -> Self {
        let mut hash = DefaultHasher::new();
        (TypeId::of::<R>(), &rule).hash(&mut hash);
        let equal =
            |a: &dyn Rule, b: &dyn Rule| (a as &dyn Any).downcast_ref::<R>() == (b as &dyn Any).downcast_ref::<R>();
        Self { rule: Arc::new(rule), equal, hash: hash.finish() }
    }

    pub(crate) fn rule(&self) -> &dyn Rule {
        &*self.rule
    }
}

impl Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && (*self.rule).type_id() == (*other.rule).type_id()
            && (self.equal)(self.rule(), other.rule())
    }
}

impl Eq for Custom {}

impl Hash for Custom {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl From<Custom> for Op {
    fn from(op: Custom) -> Self {
        Self::Custom(op)
    }
}

/// Exactly `N` operands, or an error that counts them.
///
/// # Errors
/// Where there are more or fewer.
pub fn operands<'a, const N: usize>(op: &str, x: &[&'a Type]) -> Result<[&'a Type; N]> {
    <[&Type; N]>::try_from(x).map_err(|_| Error::value(format!("{op}: takes {N} operands, got {}", x.len())))
}

/// Operands of one type, for an operation that takes two or more of the same.
///
/// # Errors
/// Where their dtypes or shapes differ.
pub fn same_types(op: &str, x: &Type, y: &Type) -> Result<()> {
    if x.dtype != y.dtype {
        return Err(Error::dtype(format!("{op}: dtypes {} and {} differ", x.dtype, y.dtype)));
    }
    if x.shape != y.shape {
        return Err(Error::shape(format!("{op}: shapes {} and {} differ", x.shape, y.shape)));
    }
    Ok(())
}

/// One operation on numbers for every element of operand `i`.
pub(crate) fn flops_of(i: usize, x: &[&Type]) -> u64 {
    x.get(i).map_or(0, |x| x.shape.numel() as u64)
}

/// The sum of what `term` makes of each operand's tangent.
pub fn sum_tangents<'t>(
    dx: &[Option<Var<'t>>],
    mut term: impl FnMut(usize, Var<'t>) -> Option<Var<'t>>,
) -> Option<Var<'t>> {
    let terms = dx.iter().enumerate().filter_map(|(i, dx)| term(i, (*dx)?));
    terms.reduce(|a, b| a + b)
}

/// The jvp of an elementwise operation: its Jacobian is diagonal, so each operand's term is its vjp.
pub(crate) fn diagonal_jvp<'t>(rule: &dyn Rule, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
    sum_tangents(dx, |i, dx| rule.vjp(i, x, y, dx))
}

/// The operands with a leading axis of size `n` each: those without one are repeated, without a copy.
pub fn lift<'t>(x: &[Var<'t>], batched: &[bool], n: usize) -> SmallVec<[Var<'t>; 4]> {
    let lift = |(&x, &batched): (&Var<'t>, &bool)| match batched {
        true => x,
        false => x.broadcast_to(x.shape().with_axis(0, n)),
    };
    x.iter().zip(batched).map(lift).collect()
}
