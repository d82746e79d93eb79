//! Derivatives of the user's own for functions of variables.
//!
//! The function is recorded as it is, of detached arguments; one more equation has its value and the derivative
//! that the user says. The other mode follows: a pullback is linear in the cotangent, so its own
//! pullback is the pushforward, and the other way round (A. Radul et al., "You only linearize once", 2022).

use std::any::TypeId;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wengert_tensor::{Error, Layout, Result, View, ViewMut, kernel};

use super::recorded::Recorded;
use super::{batched, pullback};
use crate::op::{Custom, Example, Rule, lift};
use crate::tape::Var;
use crate::ty::Type;

/// `f(x)` with the pullback that the user says.
///
/// `vjp(x, y, ybar)` gives the cotangent of each argument, `None` for a symbolic zero. It is used for every mode and
/// order: write it with operators on variables. `f` may use no other variables: they would lose their gradients.
///
/// ```
/// use wengert_autograd::{Var, custom_vjp, grad, jvp};
/// use wengert_tensor::Tensor;
///
/// // ln(1 + eˣ), whose derivative as recorded is ∞ / ∞ for large x.
/// fn softplus(x: Var) -> Var {
///     custom_vjp(|[x]| (x.exp() + 1.0).ln(), |[x], _, ybar| [Some(ybar * (1.0 - 1.0 / (1.0 + x.exp())))], [x])
/// }
/// let x = Tensor::from([0.0, 1000.0]);
/// assert_eq!(grad(|x| softplus(x).sum(), &x)?, Tensor::from([0.5, 1.0]));
/// assert_eq!(jvp(softplus, &x, &x)?.1, Tensor::from([0.0, 1000.0]));
///
/// // The identity, whose cotangent is kept within bounds.
/// fn clipped(x: Var) -> Var {
///     custom_vjp(|[x]| x, |_, _, ybar| [Some(ybar.clamp(-1.0, 1.0))], [x])
/// }
/// assert_eq!(grad(|x| (5.0 * clipped(x)).sum(), &x)?, Tensor::from([1.0, 1.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "Function")]
#[track_caller]
pub fn custom_vjp<'t, const N: usize>(
    f: impl FnOnce([Var<'t>; N]) -> Var<'t>,
    vjp: impl for<'a> Fn([Var<'a>; N], Var<'a>, Var<'a>) -> [Option<Var<'a>>; N] + Send + Sync + 'static,
    x: [Var<'t>; N],
) -> Var<'t> {
    let key = key(&vjp);
    let vjp: Vjp = Arc::new(move |x, y, ybar| match x.try_into() {
        Ok(x) => vjp(x, y, ybar).into(),
        Err(_) => vec![None; N],
    });
    record("custom_vjp", f, Given::Vjp(vjp), key, x)
}

/// `f(x)` with the pushforward that the user says.
///
/// `jvp(x, y, dx)` gives the tangent of the result from those of the arguments, and is linear in them.
/// It is used for every mode and order. `f` may use no other variables: they would lose their gradients.
///
/// ```
/// use wengert_autograd::{Var, custom_jvp, grad};
/// use wengert_tensor::Tensor;
///
/// fn cube(x: Var) -> Var {
///     custom_jvp(|[x]| x * x * x, |[x], _, [dx]| 3.0 * x * x * dx, [x])
/// }
/// assert_eq!(grad(|x| cube(x).sum(), &Tensor::from([2.0]))?, Tensor::from([12.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn custom_jvp<'t, const N: usize>(
    f: impl FnOnce([Var<'t>; N]) -> Var<'t>,
    jvp: impl for<'a> Fn([Var<'a>; N], Var<'a>, [Var<'a>; N]) -> Var<'a> + Send + Sync + 'static,
    x: [Var<'t>; N],
) -> Var<'t> {
    let key = key(&jvp);
    let jvp: Jvp = Arc::new(move |x, y, dx| match (x.try_into(), dx.try_into()) {
        (Ok(x), Ok(dx)) => jvp(x, y, dx),
        _ => y.full_like(0.0),
    });
    record("custom_jvp", f, Given::Jvp(jvp), key, x)
}

/// `f(x)`, whose derivative is said to be that of x itself: the straight-through estimator
/// (Y. Bengio et al., "Estimating or propagating gradients through stochastic neurons", 2013).
///
/// ```
/// use wengert_autograd::{straight_through, value_and_grad};
/// use wengert_tensor::Tensor;
///
/// let (y, g) = value_and_grad(|x| straight_through(|x| x.round(), x).sum(), &Tensor::from([0.4, 1.7]))?;
/// assert_eq!((y.item()?, g), (2.0, Tensor::from([1.0, 1.0])));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn straight_through<'t>(f: impl FnOnce(Var<'t>) -> Var<'t>, x: Var<'t>) -> Var<'t> {
    custom_jvp(|[x]| f(x), |_, _, [dx]| dx, [x])
}

#[track_caller]
fn record<'t, const N: usize>(
    name: &'static str,
    f: impl FnOnce([Var<'t>; N]) -> Var<'t>,
    given: Given,
    key: Key,
    x: [Var<'t>; N],
) -> Var<'t> {
    let line = Location::caller();
    let detached = x.map(|x| x.tape().originating(line, || x.detach()));
    let start = x.first().map_or(0, |x| x.tape().len());
    let y = f(detached);
    if y.is_poisoned() || x.is_empty() {
        return y;
    }
    let (_, used) = Recorded::cut(y.tape(), &[y], &detached, |id| id.index() >= start);
    // Inputs that the function itself makes are its constants, but parameters are not.
    let lost = |x: &&Var<'t>| x.dtype().is_float() && (x.id().index() < start || x.is_keyed());
    if let Some(other) = used[N..].iter().find(lost) {
        let sentence = format!("{name}: the function uses {other:?}, which is not among its arguments");
        return y.tape().fail(Error::gradient(sentence).at(line));
    }
    let operands: Vec<Var<'t>> = [y].into_iter().chain(x).collect();
    let rule = Differentiated { name, given, key, batches: 0 };
    y.tape().originating(line, || y.tape().record(Custom::new(rule), &operands))
}

type Vjp = Arc<dyn for<'a> Fn(&[Var<'a>], Var<'a>, Var<'a>) -> Vec<Option<Var<'a>>> + Send + Sync>;
type Jvp = Arc<dyn for<'a> Fn(&[Var<'a>], Var<'a>, &[Var<'a>]) -> Var<'a> + Send + Sync>;

#[derive(Clone)]
enum Given {
    Vjp(Vjp),
    Jvp(Jvp),
}

/// y = y, which is a function of the other operands with a given derivative.
#[derive(Clone)]
struct Differentiated {
    name: &'static str,
    given: Given,
    key: Key,
    /// How many leading axes the operands have more than the user's function takes.
    batches: usize,
}

/// What makes two functions the same: their type where they capture nothing, else which object they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Type(TypeId),
    Object(u64),
}

fn key<F: 'static>(_: &F) -> Key {
    static OBJECTS: AtomicU64 = AtomicU64::new(0);
    match size_of::<F>() {
        0 => Key::Type(TypeId::of::<F>()),
        _ => Key::Object(OBJECTS.fetch_add(1, Ordering::Relaxed)),
    }
}

impl PartialEq for Differentiated {
    fn eq(&self, other: &Self) -> bool {
        (self.key, self.batches) == (other.key, other.batches)
    }
}

impl Hash for Differentiated {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.key, self.batches).hash(state);
    }
}

impl fmt::Debug for Differentiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Differentiated {
    /// The cotangents of `x`, which are all the operands but the first.
    #[inline]
    fn pull<'t>(&self, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Vec<Option<Var<'t>>> {
        match &self.given {
            Given::Vjp(vjp) => vjp(x, y, ybar),
            Given::Jvp(jvp) => {
                // Linear in dx: the pullback does not depend on its value, and has an error if it does.
                let dx: Vec<Var<'t>> = x.iter().map(|x| x.tape().placeholder(x.ty())).collect();
                pullback(&[jvp(x, y, &dx)], &[Some(ybar)], &dx)
            }
        }
    }

    /// The tangent of the result.
    #[inline]
    fn push<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let there = |(x, dx): (&Var<'t>, &Option<Var<'t>>)| dx.unwrap_or_else(|| x.full_like(0.0));
        match &self.given {
            Given::Vjp(vjp) => {
                let ybar = y.tape().placeholder(y.ty());
                let bars = vjp(x, y, ybar);
                let (bars, dx): (Vec<_>, Vec<_>) = bars.iter().zip(dx).filter_map(|(bar, dx)| (*bar).zip(*dx)).unzip();
                pullback(&bars, &dx.into_iter().map(Some).collect::<Vec<_>>(), &[ybar])[0]
            }
            Given::Jvp(jvp) => Some(jvp(x, y, &x.iter().zip(dx).map(there).collect::<Vec<_>>())),
        }
    }

    /// What `one` makes of single examples, for a batch of `arguments`: as often nested as there are batches.
    #[inline]
    fn each<'t>(
        &self,
        arguments: &[Var<'t>],
        batches: usize,
        one: &dyn Fn(&[Var<'t>]) -> Vec<Option<Var<'t>>>,
    ) -> Vec<Option<Var<'t>>> {
        if batches == 0 {
            return one(arguments);
        }
        let n = arguments[0].shape()[0];
        let inner: Vec<Var<'t>> =
            arguments.iter().map(|x| x.tape().placeholder(x.ty().with_shape(x.shape().without(&[0])))).collect();
        let answers = self.each(&inner, batches - 1, one);
        let there: Vec<Var<'t>> = answers.iter().copied().flatten().collect();
        let mut all = batched(&there, &inner, arguments, n).into_iter();
        answers.into_iter().map(|answer| answer.and_then(|_| all.next())).collect()
    }
}

impl Rule for Differentiated {
    fn name(&self) -> &'static str {
        self.name
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        Ok(x[0].clone())
    }

    fn alias(&self, x: &Layout) -> Option<Layout> {
        Some(x.clone())
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::copy::copy(x[0], out)
    }

    #[inline]
    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let there: Vec<usize> = (1..x.len()).filter(|&i| dx[i].is_some()).collect();
        let arguments: Vec<Var<'t>> =
            [y].into_iter().chain(x[1..].iter().copied()).chain(there.iter().filter_map(|&i| dx[i])).collect();
        let answer = self.each(&arguments, self.batches, &|v| {
            let mut tangents = v[x.len()..].iter();
            let dx: Vec<_> =
                (1..x.len()).map(|i| there.contains(&i).then(|| tangents.next().copied()).flatten()).collect();
            vec![self.push(&v[1..x.len()], v[0], &dx)]
        })[0];
        let answer = answer.filter(|_| !there.is_empty())?;
        match answer.is_poisoned() || answer.ty() == y.ty() {
            true => Some(answer),
            false => {
                let sentence = format!("{}: a tangent of {} for a result of {}", self.name, answer.ty(), y.ty());
                Some(y.tape().error(Error::shape(sentence)))
            }
        }
    }

    #[inline]
    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        self.vjps(x, y, ybar)?[i]
    }

    #[inline]
    fn vjps<'t>(&self, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Vec<Option<Var<'t>>>> {
        let arguments: Vec<Var<'t>> = [y, ybar].into_iter().chain(x[1..].iter().copied()).collect();
        let bars = self.each(&arguments, self.batches, &|v| self.pull(&v[2..], v[0], v[1]));
        Some([None].into_iter().chain(bars).collect())
    }

    #[inline]
    fn batch<'t>(&self, x: &[Var<'t>], flags: &[bool], n: usize) -> Var<'t> {
        let rule = Self { batches: self.batches + 1, ..self.clone() };
        x[0].tape().record(Custom::new(rule), &lift(x, flags, n))
    }

    #[inline]
    fn examples() -> Vec<Example> {
        Vec::new()
    }
}
