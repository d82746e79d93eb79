//! Arithmetic in one pass: `a ∘ b`, or `(a ∘ b) • c`, each rounded as by itself.
//!
//! Operands are read where they are: with an element for every one of the result, an element a row, a row for all rows or
//! one element for all. A result may be written over an operand. What a pass costs where everything is in the cache is
//! loads and stores, so spreading an operand first, or an operation for each pass, would cost as much again.

#![allow(unsafe_code, reason = "a result that is written over an operand, and operands of unlike steps in one loop")]

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use num_traits::Float;

use crate::dtype::DType;
use crate::kernel::level::levels;

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

/// An operand by its place: where its first row starts, how far apart rows do, and whether a row has an element for each
/// of the result.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub start: *const u8,
    pub row: usize,
    pub along: bool,
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

    /// The number of operands.
    pub fn operands(self) -> usize {
        2 + usize::from(!self.is_single())
    }

    fn is_single(self) -> bool {
        self.then == Then::Nothing
    }

    /// Fills so many rows of so many elements from `out` on.
    ///
    /// # Safety
    /// There are as many elements of a dtype that is a float, to write; as many operands as [`operands`](Self::operands)
    /// says; and of each the elements that are read, which are apart from the result or the same, row by row.
    #[inline(always)]
    pub(super) unsafe fn pass<const N: usize>(
        self,
        dtype: DType,
        [rows, cols]: [usize; 2],
        x: [Spot; N],
        out: *mut u8,
    ) {
        let (kernels, repeat, size): (_, unsafe fn(&mut Repeated, *const u8), _) = match dtype {
            DType::F32 => (&SINGLE, repeat::<f32>, size_of::<f32>()),
            _ => (&DOUBLE, repeat::<f64>, size_of::<f64>()),
        };
        let kernel = kernels[self.first as usize][self.then as usize];
        // Rows that follow each other in all operands are one.
        let even = x.iter().all(|x| x.row == if x.along { cols } else { 0 });
        let [rows, n] = if even { [1, rows * cols] } else { [rows, cols] };
        let over = x.iter().any(|x| x.start == out.cast_const());
        let unread = Source { start: out.cast_const(), along: usize::MAX };
        let mut repeated = [const { Repeated::NOTHING }; N];
        for at in 0..rows {
            let mut row = Row { x: [unread; 3], out: out.wrapping_add(at * n * size), n, over };
            for ((x, source), repeated) in x.iter().zip(&mut row.x).zip(&mut repeated) {
                source.start = x.start.wrapping_add(at * x.row * size);
                if !x.along {
                    // SAFETY: a row of every operand has an element, and there are as many rows.
                    unsafe { repeat(repeated, source.start) };
                    *source = Source { start: repeated.0.as_ptr().cast(), along: 0 };
                }
            }
            kernel(&row);
        }
    }
}

/// Elements that are computed side by side.
const WIDE: usize = 64;

/// A row of the result and of all operands, of one type.
///
/// Always true, while [`zip`] runs: from every start on there are as many elements as the result has, or [`WIDE`] where all
/// are one; they are not written, unless they start where the result does, which then is [`over`](Self::over) them.
struct Row {
    x: [Source; 3],
    out: *mut u8,
    n: usize,
    over: bool,
}

#[derive(Clone, Copy)]
struct Source {
    start: *const u8,
    /// All bits, or none where there is one element for all.
    along: usize,
}

/// An element again and again.
#[repr(align(64))]
struct Repeated([MaybeUninit<f64>; WIDE]);

impl Repeated {
    const NOTHING: Self = Self([MaybeUninit::uninit(); WIDE]);
}

/// # Safety
/// There is an element.
unsafe fn repeat<T: Float>(to: &mut Repeated, x: *const u8) {
    // SAFETY: as the caller says.
    fill(to, unsafe { x.cast::<T>().read() });
}

levels! {
    /// In vectors as long as those that read it: from shorter ones they would wait.
    fn fill[T: Float](to: &mut Repeated, x: T) {
        // SAFETY: elements of no type are larger than those of the place.
        unsafe { to.0.as_mut_ptr().cast::<[T; WIDE]>().write([x; WIDE]) }
    }
}

/// Arithmetic as a type, so that it is compiled into its loop.
trait Formula {
    fn of<T: Float>(x: T, y: T) -> T;
}

macro_rules! formulas {
    ($($Name:ident: $f:expr;)*) => {$(
        struct $Name;

        impl Formula for $Name {
            #[inline(always)]
            fn of<T: Float>(x: T, y: T) -> T {
                let f: fn(T, T) -> T = $f;
                f(x, y)
            }
        }
    )*};
}

formulas! {
    First: |x, _| x;
    Sum: |x, y| x + y;
    Difference: |x, y| x - y;
    Reverse: |x, y| y - x;
    Product: |x, y| x * y;
    Quotient: |x, y| x / y;
}

/// What fills a row.
type Kernel = fn(&Row);

fn kernel<T: Float, F: Formula, G: Formula>(row: &Row) {
    zip(row, PhantomData::<(T, F, G)>);
}

/// Kernels by what comes after the first operation.
const fn seconds<T: Float, F: Formula>() -> [Kernel; 5] {
    [
        kernel::<T, F, First>,
        kernel::<T, F, Sum>,
        kernel::<T, F, Difference>,
        kernel::<T, F, Reverse>,
        kernel::<T, F, Product>,
    ]
}

/// Kernels by both.
const fn kernels<T: Float>() -> [[Kernel; 5]; 4] {
    let [sum, difference, product] = [seconds::<T, Sum>(), seconds::<T, Difference>(), seconds::<T, Product>()];
    [sum, difference, product, [kernel::<T, Quotient, First>; 5]]
}

static SINGLE: [[Kernel; 5]; 4] = kernels::<f32>();
static DOUBLE: [[Kernel; 5]; 4] = kernels::<f64>();

levels! {
    fn zip[T: Float, F: Formula, G: Formula](row: &Row, _formulas: PhantomData<(T, F, G)>) {
        let Row { x, n, over, .. } = *row;
        let (x, out) = (x.map(|x| (x.start.cast::<T>(), x.along)), row.out.cast::<T>());
        // What is computed twice must not be written over its operands.
        let blocks = match over || n < WIDE {
            true => n / WIDE,
            false => n.div_ceil(WIDE),
        };
        for block in 0..blocks {
            let at = (block * WIDE).min(n - WIDE);
            // SAFETY: the places are within the row, where all sources have elements; so below.
            unsafe {
                let [a, b, c] = [0, 1, 2].map(|k| x[k].0.add(at & x[k].1).cast::<[T; WIDE]>().read_unaligned());
                let mut y = a;
                for k in 0..WIDE {
                    y[k] = G::of(F::of(a[k], b[k]), c[k]);
                }
                out.add(at).cast::<[T; WIDE]>().write_unaligned(y);
            }
        }
        for at in blocks * WIDE..n {
            // SAFETY: as above.
            unsafe {
                let [a, b, c] = [0, 1, 2].map(|k| x[k].0.add(at & x[k].1).read());
                out.add(at).write(G::of(F::of(a, b), c));
            }
        }
    }
}
