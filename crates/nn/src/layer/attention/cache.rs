//! Keys and values that are kept while a sequence grows.

use wengert_autograd::{Tape, Var};
use wengert_tensor::{Error, Result, Tensor};

/// What the attentions of a model have seen of a sequence: their keys and values, as plain tensors.
///
/// A model that is given a sequence in parts, such as the tokens that it generates one after another, looks at each
/// step once, and gives what it gives for the whole sequence.
///
/// ```
/// use wengert_nn::{Cache, Layer, Mask, MultiHeadAttention};
/// use wengert_tensor::{DType, Rng, Tensor};
///
/// let attention = MultiHeadAttention::new(4, 2, &mut Rng::seed(0))?.causal();
/// let x = Tensor::randn([1, 5, 4], DType::F32, &mut Rng::seed(1))?;
/// let whole = attention.predict(&x)?;
///
/// let mut cache = Cache::new();
/// for t in 0..5 {
///     let step = x.narrow(1, t, 1)?;
///     let y = cache.extend(|tape, seen| attention.forward_cached(tape.input(&step), Mask::none(), seen))?;
///     assert!(y.allclose(&whole.narrow(1, t, 1)?, 1e-5, 1e-6)?);
/// }
/// assert_eq!(cache.len(), 5);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[doc(alias = "KVCache")]
pub struct Cache {
    /// Of every attention in the order in which they are asked, `[.., heads, steps, width of a head]`.
    slots: Vec<[Tensor; 2]>,
    len: usize,
}

impl Cache {
    /// Nothing seen.
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many steps of the sequence were seen.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was seen.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of what `f` records of the next part of the sequence, on a tape of its own. The part is then seen.
    ///
    /// `f` asks the same attentions in the same order every time.
    ///
    /// # Errors
    /// A mistake of `f`, and other attentions than before. The cache stays as it was.
    #[inline]
    #[track_caller]
    pub fn extend(&mut self, f: impl for<'t> FnOnce(&'t Tape, &mut Seen<'t>) -> Var<'t>) -> Result<Tensor> {
        let tape = Tape::new();
        let slots = self.slots.iter().map(|slot| slot.each_ref().map(|part| tape.input(part))).collect();
        let mut seen = Seen { tape: &tape, known: self.slots.len(), slots, next: 0, start: self.len, steps: None };
        let y = f(&tape, &mut seen);
        if !y.is_poisoned() && seen.next < seen.known {
            let (asked, known) = (seen.next, seen.known);
            return Err(Error::value(format!("cache: of {known} attentions before, {asked} were asked")));
        }
        let vars: Vec<Var> = std::iter::once(y).chain(seen.slots.iter().flatten().copied()).collect();
        let mut values = tape.evaluate(&vars)?.into_iter();
        let y = values.next().ok_or_else(|| Error::value("cache: no value"))?;
        self.slots = std::iter::from_fn(|| Some([values.next()?, values.next()?])).collect();
        self.len += seen.steps.unwrap_or(0);
        Ok(y)
    }
}

/// A [`Cache`] on a tape, while a part of the sequence is recorded.
#[derive(Debug)]
pub struct Seen<'t> {
    tape: &'t Tape,
    /// How many slots there were before.
    known: usize,
    slots: Vec<[Var<'t>; 2]>,
    /// The number of the next attention.
    next: usize,
    start: usize,
    /// How many steps the part has.
    steps: Option<usize>,
}

impl<'t> Seen<'t> {
    /// The position of the first step of this part.
    #[inline]
    pub fn position(&self) -> usize {
        self.start
    }

    /// All keys and values, from those of the part.
    #[inline]
    #[track_caller]
    pub(super) fn extend(&mut self, part: [Var<'t>; 2]) -> [Var<'t>; 2] {
        if let Some(poisoned) = part.iter().find(|x| x.is_poisoned()) {
            return [*poisoned; 2];
        }
        let steps = part[0].shape().iter().rev().nth(1).copied().unwrap_or(0);
        if *self.steps.get_or_insert(steps) != steps {
            let sentence = format!("cache: parts of {} and of {steps} steps at once", self.steps.unwrap_or(0));
            return [self.tape.error(Error::shape(sentence)); 2];
        }
        self.slot(|before| match before {
            Some(before) => std::array::from_fn(|i| Var::concat(&[before[i], part[i]], -2)),
            None => part,
        })
    }

    /// Keys and values that do not change, made the first time.
    #[inline]
    #[track_caller]
    pub(super) fn keep(&mut self, make: impl FnOnce() -> [Var<'t>; 2]) -> [Var<'t>; 2] {
        self.slot(|before| before.unwrap_or_else(make))
    }

    /// Renews the next slot; it gets what is there.
    #[inline]
    #[track_caller]
    fn slot(&mut self, renew: impl FnOnce(Option<[Var<'t>; 2]>) -> [Var<'t>; 2]) -> [Var<'t>; 2] {
        let i = self.next;
        self.next += 1;
        if i < self.known {
            self.slots[i] = renew(Some(self.slots[i]));
        } else if self.known == 0 {
            self.slots.push(renew(None));
        } else {
            let sentence = format!("cache: an attention after the {} of before", self.known);
            return [self.tape.error(Error::value(sentence)); 2];
        }
        self.slots[i]
    }
}
