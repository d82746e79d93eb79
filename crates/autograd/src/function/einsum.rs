//! Sums of products over named axes, by batched matrix products.

use wengert_tensor::{AxisList, Error, Result, Shape};

use crate::tape::Var;

impl<'t> Var<'t> {
    /// Einstein's summation over this variable and others: `"ij,jk->ik"` is the matrix product.
    ///
    /// Each operand has a term of letters, one for each axis; what has the same letter is multiplied, and letters that
    /// the result does not name are summed over. A letter twice in a term means the diagonal. `...` stands for
    /// any axes more, which broadcast. Without an arrow, the result has the letters that occur once, in order of the
    /// alphabet, after those of `...`. An axis of size 1 is stretched to the size of the others.
    ///
    /// Operands are joined two at a time, from the left.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let y = tape.input(&Tensor::from([1.0, -1.0]));
    /// assert_eq!(x.einsum("ij,j->i", &[y]).value()?, Tensor::from([-1.0, -1.0]));
    /// assert_eq!(x.einsum("ii", &[]).item()?, 5.0);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn einsum(self, equation: &str, others: &[Self]) -> Self {
        let xs: Vec<Self> = [&[self], others].concat();
        if let Some(poisoned) = xs.iter().find(|x| x.is_poisoned()) {
            return *poisoned;
        }
        let (terms, out) = match parse(equation, &xs) {
            Ok(parsed) => parsed,
            Err(error) => return self.tape().error(error),
        };
        let mut named = Vec::with_capacity(xs.len());
        for (&x, labels) in xs.iter().zip(terms) {
            named.push(Named { x, labels }.diagonals());
        }
        // Whoever has a label with size 1 is stretched, so that all agree.
        let widest: Vec<Named<'t>> = named.clone();
        for one in &mut named {
            let size = |&label: &char| widest.iter().filter_map(|other| other.size(label)).max().unwrap_or(1);
            one.x = one.x.broadcast_to(one.labels.iter().map(size).collect::<Shape>());
        }
        let mut rest = named.into_iter();
        let Some(mut product) = rest.next() else { return self };
        while let Some(next) = rest.next() {
            let later = |label: &char| out.contains(label) || rest.as_slice().iter().any(|x| x.labels.contains(label));
            product = product.times(next, later);
        }
        product.keeping(&|label: &char| out.contains(label)).ordered(&out)
    }

    /// Products summed over axes `i` of this and as many axes `j` of the other, in order; this variable's other axes
    /// come first in the result, then the other's. An axis of size 1 is stretched to the size of the one it meets.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.tensordot(x, &[0, 1], &[1, 0]).item()?, 29.0);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn tensordot(self, other: Self, i: &[isize], j: &[isize]) -> Self {
        if let Some(poisoned) = [self, other].into_iter().find(|v| v.is_poisoned()) {
            return poisoned;
        }
        let resolved = |x: Self, axes: &[isize]| -> Result<AxisList> {
            wengert_tensor::Axes::from(axes).resolve_in_order(&x.shape()).map_err(|error| error.within("tensordot"))
        };
        let (i, j) = match (resolved(self, i), resolved(other, j)) {
            (Ok(i), Ok(j)) => (i, j),
            (Err(error), _) | (_, Err(error)) => return self.tape().error(error),
        };
        let size = |x: Self, axes: &[usize]| axes.iter().map(|&axis| x.shape()[axis]).collect::<Shape>();
        let (common, others) = (size(self, &i), size(other, &j));
        let fit = |(&a, &b): (&usize, &usize)| a == b || a == 1 || b == 1;
        if common.rank() != others.rank() || !common.iter().zip(others.iter()).all(fit) {
            let sentence = format!("tensordot: axes of sizes {common} and {others} do not fit");
            return self.tape().error(Error::shape(sentence));
        }
        // Where the one is stretched, the sum over the other is the same.
        let alone = |x: Self, own: &[usize], to: &[usize]| -> Self {
            let shape = x.shape();
            let summed: AxisList =
                own.iter().zip(to).filter(|&(&axis, &n)| n == 1 && shape[axis] != 1).map(|(&axis, _)| axis).collect();
            if summed.is_empty() { x } else { x.sum_keep(&summed[..]) }
        };
        let (this, other) =
            self.tape().originating(self.tape().here(), || (alone(self, &i, &others), alone(other, &j, &common)));
        // Labels in order of axes; those of the other's summed axes are this one's.
        let own: Vec<char> = (0..self.rank()).map(private).collect();
        let mut theirs: Vec<char> = (0..other.rank()).map(|axis| private(self.rank() + axis)).collect();
        i.iter().zip(&j).for_each(|(&i, &j)| theirs[j] = own[i]);
        let out: Vec<char> =
            own.iter().chain(&theirs).copied().filter(|l| !(own.contains(l) && theirs.contains(l))).collect();
        let (x, y) = (Named { x: this, labels: own }, Named { x: other, labels: theirs });
        x.times(y, |label| out.contains(label)).ordered(&out)
    }

    /// [`tensordot`](Self::tensordot) over the last `n` axes of this and the first `n` of the other, in order.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let (x, y) = (tape.full([2, 3, 4], 1.0), tape.full([3, 4, 5], 1.0));
    /// assert_eq!(x.tensordot_n(y, 2).shape()[..], [2, 5]);
    /// assert_eq!(x.tensordot_n(y, 0).rank(), 6);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// More axes than one of them has, axes of sizes that do not fit.
    #[doc(alias = "tensordot")]
    #[inline]
    #[track_caller]
    pub fn tensordot_n(self, other: Self, n: usize) -> Self {
        if let Some(poisoned) = [self, other].into_iter().find(|v| v.is_poisoned()) {
            return poisoned;
        }
        let (a, b) = (self.rank(), other.rank());
        if n > a.min(b) {
            let sentence = format!("tensordot_n: {n} axes of {} and {}", self.shape(), other.shape());
            return self.tape().error(Error::shape(sentence));
        }
        let (last, first): (Vec<isize>, Vec<isize>) =
            ((a - n..a).map(|i| i as isize).collect(), (0..n as isize).collect());
        self.tensordot(other, &last, &first)
    }
}

/// A label that no equation can name.
fn private(i: usize) -> char {
    u32::try_from(i).ok().and_then(|i| char::from_u32(0xF_0000 + i)).unwrap_or(char::MAX)
}

/// The labels of every operand and of the result.
fn parse(equation: &str, xs: &[Var<'_>]) -> Result<(Vec<Vec<char>>, Vec<char>)> {
    let wrong = |what: String| Error::value(format!("einsum: {equation:?}: {what}"));
    let text: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = text.split_once("->").map_or((text.as_str(), None), |(left, right)| (left, Some(right)));
    let given: Vec<&str> = left.split(',').collect();
    if given.len() != xs.len() {
        return Err(wrong(format!("{} terms for {} operands", given.len(), xs.len())));
    }
    // The axes that an ellipsis stands for count from the last, so that they are aligned there.
    let letters = |term: &str, hidden: usize| -> Result<Vec<char>> {
        let (before, after) = term.split_once("...").map_or((term, None), |(before, after)| (before, Some(after)));
        let all = before.chars().chain(after.unwrap_or_default().chars());
        if let Some(c) = all.clone().find(|c| !c.is_ascii_alphabetic()) {
            return Err(wrong(format!("{c:?} is not a letter")));
        }
        let hidden = if after.is_some() { hidden } else { 0 };
        let more = (0..hidden).rev().map(private);
        Ok(before.chars().chain(more).chain(after.unwrap_or_default().chars()).collect())
    };
    let (mut terms, mut most) = (Vec::new(), 0);
    for (term, x) in given.iter().zip(xs) {
        let shape = x.shape();
        let named = term.replace("...", "").chars().count();
        let hidden = shape.rank().checked_sub(named).filter(|&hidden| hidden == 0 || term.contains("..."));
        let hidden = hidden.ok_or_else(|| wrong(format!("the term {term:?} does not fit {shape}")))?;
        most = most.max(hidden);
        terms.push(letters(term, hidden)?);
    }
    let sizes = || terms.iter().zip(xs).flat_map(|(term, x)| term.iter().copied().zip(x.shape().to_vec()));
    for (label, size) in sizes() {
        if let Some((_, other)) = sizes().find(|&(l, other)| l == label && other != size && other != 1 && size != 1) {
            let name = if label.is_ascii() { format!("the axes {label}") } else { "the axes of ...".to_string() };
            return Err(Error::shape(format!("einsum: {equation:?}: {name} have sizes {size} and {other}")));
        }
    }
    let all: Vec<char> = terms.iter().flatten().copied().collect();
    let out = match right {
        Some(right) => letters(right, most)?,
        None => {
            let times = |c: char| all.iter().filter(|&&other| other == c).count();
            (0..most).rev().map(private).chain(('A'..='Z').chain('a'..='z').filter(|&c| times(c) == 1)).collect()
        }
    };
    for (i, label) in out.iter().enumerate() {
        match () {
            () if !all.contains(label) => return Err(wrong(format!("no operand has the result's {label}"))),
            () if out[..i].contains(label) => return Err(wrong(format!("the result has {label} twice"))),
            () => {}
        }
    }
    Ok((terms, out))
}

/// A variable with a label for each axis.
#[derive(Clone)]
struct Named<'t> {
    x: Var<'t>,
    labels: Vec<char>,
}

impl<'t> Named<'t> {
    fn size(&self, label: char) -> Option<usize> {
        Some(self.x.shape()[self.labels.iter().position(|&own| own == label)?])
    }

    /// With one axis, the diagonal, for labels that repeat.
    #[track_caller]
    fn diagonals(mut self) -> Self {
        let again = |labels: &[char]| {
            let pairs = (0..labels.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
            pairs.into_iter().find(|&(i, j)| labels[i] == labels[j])
        };
        while let Some((i, j)) = again(&self.labels) {
            let rest: Vec<usize> = (0..self.labels.len()).filter(|&axis| axis != i && axis != j).collect();
            let shape = self.x.shape();
            let n = if shape[i] == 1 { shape[j] } else { shape[i] };
            let square = self.x.broadcast_to(shape.with_size(i, n).with_size(j, n));
            self.x = square.permute(&[&rest[..], &[i, j]].concat()[..]).diagonal(0);
            self.labels = rest.iter().map(|&axis| self.labels[axis]).chain([self.labels[i]]).collect();
        }
        self
    }

    /// Summed over the axes of all labels but those to keep.
    #[track_caller]
    fn keeping(self, keep: &dyn Fn(&char) -> bool) -> Self {
        let summed: Vec<usize> = (0..self.labels.len()).filter(|&axis| !keep(&self.labels[axis])).collect();
        let x = if summed.is_empty() { self.x } else { self.x.sum_axes(&summed[..]) };
        Self { x, labels: self.labels.into_iter().filter(keep).collect() }
    }

    /// Its axes in the order of `labels`, which are the same.
    #[track_caller]
    fn ordered(self, labels: &[char]) -> Var<'t> {
        let order: Vec<usize> = labels.iter().filter_map(|l| self.labels.iter().position(|own| own == l)).collect();
        self.x.permute(&order[..])
    }

    /// The product with another, summed over the labels that are not needed `later`, as one batched matrix product.
    #[track_caller]
    fn times(self, other: Self, later: impl Fn(&char) -> bool) -> Self {
        let x = self.clone().keeping(&|label| later(label) || other.labels.contains(label));
        let y = other.keeping(&|label| later(label) || self.labels.contains(label));
        let of = |from: &Self, shared: bool, kept: bool, with: &Self| -> Vec<char> {
            let fits = |l: &&char| with.labels.contains(l) == shared && later(l) == kept;
            from.labels.iter().filter(fits).copied().collect()
        };
        let (batch, summed) = (of(&x, true, true, &y), of(&x, true, false, &y));
        let (rows, columns) = (of(&x, false, true, &y), of(&y, false, true, &x));
        let labels = [&batch[..], &rows, &columns].concat();
        let sizes = |labels: &[char]| -> Vec<usize> {
            labels.iter().filter_map(|&label| x.size(label).or(y.size(label))).collect()
        };
        let (b, m, k, n) = (sizes(&batch), sizes(&rows), sizes(&summed), sizes(&columns));
        let count = |sizes: &[usize]| sizes.iter().fold(1usize, |all, &size| all.saturating_mul(size));
        let left = x.clone().ordered(&[&batch[..], &rows, &summed].concat());
        let right = y.clone().ordered(&[&batch[..], &summed, &columns].concat());
        let left = left.reshape([count(&b), count(&m), count(&k)]);
        let right = right.reshape([count(&b), count(&k), count(&n)]);
        Self { x: left.matmul(right).reshape(&[b, m, n].concat()[..]), labels }
    }
}
