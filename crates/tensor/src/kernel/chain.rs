//! Arithmetic in one pass: `a ∘ b`, or `(a ∘ b) • c`, each rounded as by itself.
//!
//! Operands are read where they are: with an element for every one of the result, an element a row, a row for all rows or
//! one element for all. A result may be written over an operand. What a pass costs where everything is in the cache is
//! loads and stores, so spreading an operand first, or an operation for each pass, would cost as much again.

#![allow(unsafe_code, reason = "a result that is written over an operand, and operands of unlike steps in one loop")]

use std::marker::PhantomData;

use num_traits::Float;

use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::kernel::level::levels;
use crate::view::{Data, DataMut};

/// An operation of arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arith {
    /// x + y
    Add,
    /// x - y
    Sub,
    /// x y
    Mul,
    /// x / y
    Div,
}

/// What is done with `x`, what a first operation gave, and a third operand `c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    /// x + c
    Add,
    /// x - c
    Sub,
    /// c - x
    From,
    /// x c
    Mul,
}

/// One operation, or two of which the second takes the result of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    first: Arith,
    then: Then,
}

/// An operand of a result that has rows.
#[derive(Debug, Clone, Copy)]
pub enum Term<'a> {
    /// Elements elsewhere.
    Read {
        /// From the first on.
        data: Data<'a>,
        /// How far apart rows start.
        row: usize,
        /// Whether a row has an element for each of the result, or one for all.
        along: bool,
    },
    /// What is where the result will be.
    Own,
}

impl Chain {
    /// The operation alone.
    pub fn new(first: Arith) -> Self {
        Self { first, then: Then::Nothing }
    }

    /// This and then another operation, of the result and a third operand, or the other way round. `None` where that is not
    /// one pass.
    pub fn then(self, second: Arith, other_way: bool) -> Option<Self> {
        let then = match second {
            Arith::Add => Then::Add,
            Arith::Sub if other_way => Then::From,
            Arith::Sub => Then::Sub,
            Arith::Mul => Then::Mul,
            Arith::Div => return None,
        };
        (self.is_single() && self.first != Arith::Div).then_some(Self { then, ..self })
    }

    /// The operation, where it is the only one.
    pub fn single(self) -> Option<Arith> {
        self.is_single().then_some(self.first)
    }

    fn is_single(self) -> bool {
        self.then == Then::Nothing
    }

    /// Fills `out`, so many rows of so many elements, from two operands, or three where there are two operations.
    ///
    /// # Errors
    /// Where dtypes differ or are not floats, or numbers of operands or elements do not fit.
    pub fn run(self, sizes: [usize; 2], x: &[Term], out: DataMut) -> Result<()> {
        match out {
            DataMut::F32(out) => self.typed(sizes, x, out),
            DataMut::F64(out) => self.typed(sizes, x, out),
            out => Err(Error::dtype(format!("chain: does not take {}", out.dtype()))),
        }
    }

    fn typed<T: Element + Float>(self, sizes: [usize; 2], x: &[Term], out: &mut [T]) -> Result<()> {
        let [rows, cols] = sizes;
        if x.len() != 2 + usize::from(!self.is_single()) || rows.checked_mul(cols) != Some(out.len()) {
            return Err(misfit(x.len(), out.len(), sizes));
        }
        if out.is_empty() {
            return Ok(());
        }
        // One pointer for what is read and written there: another borrow would end it.
        let (len, to) = (out.len(), out.as_mut_ptr());
        let own = Source { start: to.cast_const(), along: usize::MAX };
        let mut row = Row { x: [own; 3], out: to, n: cols, over: false, borrowed: PhantomData };
        let (mut steps, mut even, mut splat) = ([cols; 3], true, false);
        for (k, x) in x.iter().enumerate() {
            let Term::Read { data, row: step, along } = *x else {
                row.over = true;
                continue;
            };
            let Some(elements) = T::slice(data) else { return Err(unlike(data.dtype(), T::DTYPE)) };
            let needed = (rows - 1).saturating_mul(step).saturating_add(if along { cols } else { 1 });
            if elements.len() < needed {
                return Err(misfit(elements.len(), len, sizes));
            }
            row.x[k] = Source { start: elements.as_ptr(), along: if along { usize::MAX } else { 0 } };
            steps[k] = step;
            even &= step == if along { cols } else { 0 };
            splat |= !along;
        }
        // Rows that follow each other in all operands are one.
        let rows = if even { 1 } else { rows };
        row.n = if even { len } else { cols };
        if !splat {
            for _ in 0..rows {
                self.row(&row);
                row.forth(steps);
            }
            return Ok(());
        }
        let (mut spread, mut splats) = (row, [[T::zero(); WIDE]; 3]);
        for _ in 0..rows {
            for ((to, from), splat) in spread.x.iter_mut().zip(&row.x).zip(&mut splats) {
                to.start = from.start;
                if from.along == 0 {
                    // SAFETY: a row of every operand has an element, and there are as many rows.
                    *splat = [unsafe { from.start.read() }; WIDE];
                    to.start = splat.as_ptr();
                }
            }
            spread.out = row.out;
            self.row(&spread);
            row.forth(steps);
        }
        Ok(())
    }

    fn row<T: Float>(self, row: &Row<T>) {
        match self.first {
            Arith::Add => self.second(row, |a, b| a + b),
            Arith::Sub => self.second(row, |a, b| a - b),
            Arith::Mul => self.second(row, |a, b| a * b),
            Arith::Div => zip(row, |a, b, _| a / b),
        }
    }

    fn second<T: Float>(self, row: &Row<T>, f: impl Fn(T, T) -> T + Copy) {
        match self.then {
            Then::Nothing => zip(row, |a, b, _| f(a, b)),
            Then::Add => zip(row, |a, b, c| f(a, b) + c),
            Then::Sub => zip(row, |a, b, c| f(a, b) - c),
            Then::From => zip(row, |a, b, c| c - f(a, b)),
            Then::Mul => zip(row, |a, b, c| f(a, b) * c),
        }
    }
}

#[cold]
fn misfit(x: usize, out: usize, [rows, cols]: [usize; 2]) -> Error {
    Error::shape(format!("chain: {x} operands or elements for {out} of {rows} rows of {cols}"))
}

#[cold]
fn unlike(from: DType, to: DType) -> Error {
    Error::dtype(format!("chain: dtypes {from} and {to} differ"))
}

/// Elements that are computed side by side.
const WIDE: usize = 64;

/// A row of the result and of all operands.
///
/// Always true, while [`zip`] runs: from every start on there are as many elements as the result has, or [`WIDE`] where all
/// are one; they are not written, unless they start where the result does, which then is [`over`](Self::over) them.
#[derive(Clone, Copy)]
struct Row<'a, T> {
    x: [Source<T>; 3],
    out: *mut T,
    n: usize,
    over: bool,
    borrowed: PhantomData<&'a mut [T]>,
}

#[derive(Clone, Copy)]
struct Source<T> {
    start: *const T,
    /// All bits, or none where there is one element for all.
    along: usize,
}

impl<T> Row<'_, T> {
    /// Goes to the next row. One beyond the last is not read.
    fn forth(&mut self, steps: [usize; 3]) {
        for (x, step) in self.x.iter_mut().zip(steps) {
            x.start = x.start.wrapping_add(step);
        }
        self.out = self.out.wrapping_add(self.n);
    }
}

levels! {
    fn zip[T: Copy](row: &Row<T>, f: impl Fn(T, T, T) -> T + Copy) {
        let n = row.n;
        // What is computed twice must not be written over its operands.
        let blocks = match row.over || n < WIDE {
            true => n / WIDE,
            false => n.div_ceil(WIDE),
        };
        for block in 0..blocks {
            let at = (block * WIDE).min(n - WIDE);
            // SAFETY: the places are within the row, where all sources have elements; so below.
            unsafe {
                let [a, b, c] = [0, 1, 2].map(|k| row.x[k].start.add(at & row.x[k].along).cast::<[T; WIDE]>().read_unaligned());
                let mut out = a;
                for k in 0..WIDE {
                    out[k] = f(a[k], b[k], c[k]);
                }
                row.out.add(at).cast::<[T; WIDE]>().write_unaligned(out);
            }
        }
        for at in blocks * WIDE..n {
            // SAFETY: as above.
            unsafe {
                let [a, b, c] = [0, 1, 2].map(|k| row.x[k].start.add(at & row.x[k].along).read());
                row.out.add(at).write(f(a, b, c));
            }
        }
    }
}
