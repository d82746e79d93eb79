//! A machine for values of a few elements: so many instructions in one call, with nothing to look up in between.
//!
//! What costs time where values are tiny is all that is not arithmetic. So everything that there is to decide is decided when
//! the code is written: values are places in one slab of memory, an instruction is an operation and its places, and
//! running is one loop over them ([`run`](Machine::run)).
//!
//! Always true: results have the bits of the kernels for tensors. They are the same functions of numbers, combined in the same
//! orders. And no instruction leads outside of the slab: [`Machine`] notes how far each of them reaches.
//!
//! A value of several elements is followed by room for whole blocks of [`BLOCK`], of which all lanes are computed;
//! what the others hold does not matter. Truth values are numbers here, 0 and 1.

mod run;

use super::bound::Bound;
use super::math::BLOCK;
use super::reduce::Fold;

/// The most elements of a value, and the most terms of a sum.
pub const MOST: usize = 64;

/// Columns of a product that are computed side by side.
const WIDE: usize = 8;

/// The room of a value of so many elements.
pub fn room(n: usize) -> usize {
    if n <= 1 { 1 } else { n.next_multiple_of(BLOCK) }
}

/// The room of a product of so many rows and columns, which is written in whole registers.
pub fn product_room(m: usize, n: usize) -> usize {
    room(m * n).max(m.saturating_sub(1) * n + n.next_multiple_of(WIDE))
}

/// Elementwise functions: those of [`unary`](super::unary), [`binary`](super::binary), [`compare`](super::compare) and
/// [`select`](super::select) of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the functions say what they are")]
pub enum Function {
    Neg,
    Abs,
    Sign,
    Square,
    Recip,
    Sqrt,
    Rsqrt,
    Exp,
    Exp2,
    ExpM1,
    Ln,
    Ln1p,
    Log2,
    Log10,
    Sin,
    Cos,
    Tanh,
    Sigmoid,
    Softplus,
    Erf,
    Erfc,
    Add,
    Sub,
    Mul,
    Div,
    Maximum,
    Minimum,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Select,
}

impl Function {
    /// Whether it is a formula of many steps, each of which waits for the one before.
    pub fn is_formula(self) -> bool {
        (Self::Exp as u8..=Self::Erfc as u8).contains(&(self as u8))
    }
}

/// What an instruction does.
#[derive(Debug, Clone, Copy)]
enum Code {
    Each(Function),
    /// One element in all lanes.
    Splat,
    Gather,
    Call,
    Fold,
    Product,
}

/// An operation on places of the slab.
#[derive(Debug, Clone, Copy)]
struct Instruction {
    code: Code,
    /// Whole blocks of elements; none for a function of single numbers.
    blocks: u8,
    /// Which of its kind it is, where more is to be known of it.
    number: u32,
    out: u32,
    x: [u32; 3],
}

/// A matrix in the slab, read in place.
#[derive(Debug, Clone, Copy)]
pub struct Matrix {
    /// The place of its first element.
    pub start: usize,
    /// How far apart rows and columns are.
    pub strides: [isize; 2],
}

#[derive(Debug, Clone, Copy)]
struct Product {
    sizes: [usize; 3],
    x: Matrix,
    y: Matrix,
}

/// A reduction to results that lie evenly.
#[derive(Debug, Clone, Copy)]
struct Reduction {
    fold: Fold,
    /// Whether the order is that of trailing axes.
    trailing: bool,
    results: usize,
    terms: usize,
    /// How far apart results and terms start.
    steps: [usize; 2],
}

/// A function without an instruction of its own.
#[derive(Debug)]
struct Call {
    kernel: Bound,
    n: usize,
    operands: usize,
}

/// Code for values of one dtype, `f32` or `f64`, in a slab.
#[derive(Debug, Default)]
pub struct Machine {
    code: Vec<Instruction>,
    /// For each gather where it begins among `places`, and how many there are.
    gathers: Vec<(usize, usize)>,
    places: Vec<u32>,
    products: Vec<Product>,
    reductions: Vec<Reduction>,
    calls: Vec<Call>,
    /// Elements from the slab's start to the end of what any instruction reaches.
    reach: usize,
}

impl Machine {
    /// The least number of elements of a slab.
    pub fn reach(&self) -> usize {
        self.reach
    }

    /// How many instructions there are.
    pub fn len(&self) -> usize {
        self.code.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.code.is_empty()
    }

    /// A place, of which `n` elements are within reach. One that 32 bits do not tell is in no slab.
    fn place(&mut self, at: usize, n: usize) -> u32 {
        let place = u32::try_from(at);
        let end = if place.is_ok() { at.saturating_add(n) } else { usize::MAX };
        self.reach = self.reach.max(end);
        place.unwrap_or(0)
    }

    /// An instruction that reads and writes places of `n` elements with their rooms.
    fn push(&mut self, code: Code, number: usize, n: usize, x: &[usize], out: usize) {
        let blocks = if n == 1 && matches!(code, Code::Each(_)) { 0 } else { n.div_ceil(BLOCK).min(MOST) };
        let first = x.first().copied().unwrap_or(0);
        let x = [0, 1, 2].map(|k| self.place(x.get(k).copied().unwrap_or(first), room(n)));
        let (out, number) = (self.place(out, room(n)), self.place(number, 0));
        self.code.push(Instruction { code, blocks: blocks as u8, number, out, x });
    }

    /// `out = f(x, …)` of `n` elements, no more than [`MOST`].
    pub fn each(&mut self, f: Function, n: usize, x: &[usize], out: usize) {
        self.push(Code::Each(f), 0, n.min(MOST), x, out);
    }

    /// The element at `x`, `n` times, no more than [`MOST`].
    pub fn splat(&mut self, n: usize, x: usize, out: usize) {
        self.push(Code::Splat, 0, n.clamp(2, MOST), &[x], out);
    }

    /// The elements at some places, one after another.
    pub fn gather(&mut self, places: impl IntoIterator<Item = usize>, out: usize) {
        let start = self.places.len();
        for place in places {
            let place = self.place(place, 1);
            self.places.push(place);
        }
        let n = self.places.len() - start;
        self.gathers.push((start, n));
        self.push(Code::Gather, self.gathers.len() - 1, n, &[out], out);
    }

    /// What a kernel makes of operands of `n` elements, no more than [`MOST`] and 3 of them.
    pub fn call(&mut self, kernel: Bound, n: usize, x: &[usize], out: usize) {
        let n = n.min(MOST);
        self.calls.push(Call { kernel, n, operands: x.len().min(3) });
        self.push(Code::Call, self.calls.len() - 1, n, x, out);
    }

    /// Results of so many terms each, no more than [`MOST`]: results and terms start at `x` and lie `steps` apart.
    pub fn fold(&mut self, fold: Fold, trailing: bool, sizes: [usize; 2], x: usize, steps: [usize; 2], out: usize) {
        let [results, terms] = [sizes[0], sizes[1].min(MOST)];
        let last = |size: usize, step: usize| size.saturating_sub(1).saturating_mul(step);
        self.place(x, last(results, steps[0]).saturating_add(last(terms, steps[1])).saturating_add(1));
        self.place(out, results);
        self.reductions.push(Reduction { fold, trailing, results, terms, steps });
        self.push(Code::Fold, self.reductions.len() - 1, 1, &[x], out);
    }

    /// [m, k] x [k, n], where the rows of `y` lie side by side; the result has room for [`product_room`].
    pub fn product(&mut self, sizes: [usize; 3], x: Matrix, y: Matrix, out: usize) {
        let [m, k, n] = sizes;
        let y = Matrix { strides: [y.strides[0], 1], ..y };
        self.matrix(x, [m, k], 1);
        self.matrix(y, [k, n], WIDE);
        self.place(out, product_room(m, n));
        self.products.push(Product { sizes, x, y });
        self.push(Code::Product, self.products.len() - 1, 1, &[out], out);
    }

    /// Takes note of how far a matrix reaches, and so many elements from its last on.
    fn matrix(&mut self, x: Matrix, sizes: [usize; 2], more: usize) {
        let far = [0, 1].map(|axis| x.strides[axis].saturating_mul(sizes[axis].saturating_sub(1) as isize));
        let lowest = (x.start as isize).saturating_add(far[0].min(0)).saturating_add(far[1].min(0));
        let highest = (x.start as isize).saturating_add(far[0].max(0)).saturating_add(far[1].max(0));
        // What begins before the slab is in none.
        self.place(if lowest < 0 { usize::MAX } else { highest as usize }, more);
    }
}
