//! Arithmetic in a group: operands read where they are, two operations in one pass, results written over operands.
//!
//! Always true: every operation rounds as by itself, so the bits are those of one pass for each.

use smallvec::{SmallVec, smallvec};
use wengert_tensor::DType;
use wengert_tensor::kernel::blocks::{From, Operand, Step, Term, Work};
use wengert_tensor::kernel::chain::{Arith, Chain};

use super::build::Builder;
use crate::op::Op;
use crate::program::fuse::{Base, Place};
use crate::program::rows::{NARROW, even_rows, is_short, is_spread};

impl Builder<'_, '_> {
    /// Writes node `i`, with so many elements a row, as a chain, if it is arithmetic.
    pub fn arithmetic(&mut self, i: usize, width: usize) -> bool {
        let node = &self.plan.graph.nodes[i];
        let (dtype, at) = (node.ty.dtype, node.at);
        if !matches!(dtype, DType::F32 | DType::F64) {
            return false;
        }
        let arith = match &node.op {
            Op::Add(_) => Arith::Add,
            Op::Sub(_) => Arith::Sub,
            Op::Mul(_) | Op::Square(_) => Arith::Mul,
            Op::Powi(op) if op.n == 2 => Arith::Mul,
            Op::Div(_) => Arith::Div,
            _ => return false,
        };
        let [x, y] = match node.operands[..] {
            [x] => [x, x],
            [x, y] => [x, y],
            _ => return false,
        };
        let terms = [x, y].map(|x| self.term(x, width, at)).into_iter().collect();
        self.put(i, Work::Chain(Chain::new(arith), terms), width);
        true
    }

    /// How to read node `x` for a result of so many elements a row: where it is, if that can be.
    fn term(&mut self, x: usize, width: usize, at: &'static std::panic::Location<'static>) -> Term {
        let (Place { base, layout }, dtype) = (&self.plan.places[x], self.plan.graph.nodes[x].ty.dtype);
        let wide = width == self.cols && width >= NARROW;
        match *base {
            Base::Constant(i) => {
                let source = self.plan.constant(i, 1);
                let from = From::Shared(self.shared(source));
                return Term { x: Operand { from, offset: 0, step: 0, width: 1 }, row: 0, along: false };
            }
            Base::Node(i) if let Some(known) = self.known(i) => {
                if wide && known.width == 1 {
                    return Term { x: known, row: 1, along: false };
                }
            }
            _ if layout.is_contiguous() => {}
            _ => {
                let once = layout.strides().iter().zip(layout.shape().iter()).all(|(&step, &n)| step == 0 || n == 1);
                let spread = wide && is_spread(layout, width);
                let rows = if wide && !is_short(width, dtype) { even_rows(layout, width) } else { None };
                let source = self.plan.source(base);
                if (once || spread || rows.is_some()) && !self.is_overwritten(source) {
                    let from = From::Shared(self.shared(source));
                    let place = |step, width| Operand { from, offset: layout.offset(), step, width };
                    return match (once, spread, rows) {
                        (true, ..) => Term { x: place(0, 1), row: 0, along: false },
                        (_, true, _) => Term { x: place(1, 1), row: 1, along: false },
                        (.., rows) => {
                            let row = rows.unwrap_or(0);
                            Term { x: place(row, width), row, along: true }
                        }
                    };
                }
            }
        }
        Term::full(self.operand(x, width, at))
    }
}

/// Makes an operation whose result only another reads one pass with it.
pub fn in_pairs(steps: &mut Vec<Step>, results: usize) {
    let mut readers: Vec<(usize, usize)> = Vec::new();
    let tile = |x: &Operand| match x.from {
        From::Local(local) => local.checked_sub(results),
        From::Shared(_) => None,
    };
    // How often each tile is read, and which step writes it.
    for (k, step) in steps.iter().enumerate() {
        let mut note = |x: &Operand, reads: usize| {
            if let Some(tile) = tile(x) {
                readers.resize(readers.len().max(tile + 1), (0, usize::MAX));
                readers[tile].0 += reads;
                if reads == 0 {
                    readers[tile].1 = k;
                }
            }
        };
        step.each_operand(|x| note(x, 1));
        note(&step.out, 0);
    }
    let mut gone = vec![false; steps.len()];
    for k in 0..steps.len() {
        let Work::Chain(chain, terms) = &steps[k].work else { continue };
        let (Some(second), width) = (chain.single(), steps[k].out.width) else { continue };
        let pair = terms.iter().enumerate().find_map(|(t, term)| {
            let (reads, j) = readers[tile(&term.x)?];
            let whole = term.along && term.row == width && steps.get(j)?.out.width == width;
            let Work::Chain(first, operands) = &steps[j].work else { return None };
            let both = first.then(second, t == 1).filter(|_| whole && reads == 1 && !gone[j])?;
            let terms: SmallVec<[Term; 3]> = smallvec![operands[0], operands[1], terms[1 - t]];
            Some((j, Work::Chain(both, terms)))
        });
        if let Some((j, work)) = pair {
            (steps[k].work, gone[j]) = (work, true);
        }
    }
    let mut gone = gone.into_iter();
    steps.retain(|_| !gone.next().unwrap_or(false));
}

/// Reads what a result is written over where it is, as long as it is there: what is set aside first is only what is
/// read later.
pub fn in_place(loads: &mut Vec<Step>, steps: &mut [Step], results: usize) {
    loads.retain(|load| {
        let (Work::Copy(from), From::Local(tile)) = (&load.work, load.out.from) else { return true };
        let writer = steps.iter().position(|step| step.out.from == from.from);
        let Some(writer) = writer.filter(|_| tile >= results) else { return true };
        let whole = |x: &Operand, out: &Operand| (x.offset, x.step, x.width) == (out.offset, out.step, out.width);
        let fits = steps.iter().enumerate().all(|(k, step)| {
            let mut reads = false;
            step.each_operand(|x| reads |= x.from == load.out.from);
            !reads || k < writer || k == writer && matches!(step.work, Work::Chain(..)) && whole(from, &step.out)
        });
        if fits {
            let put = |x: &mut Operand| {
                if x.from == load.out.from {
                    *x = *from;
                }
            };
            steps.iter_mut().for_each(|step| step.each_operand_mut(put));
        }
        !fits
    });
}
