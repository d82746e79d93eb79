//! What is remembered of the curvature: differences of points and of gradients, which stand for an inverse Hessian.

use std::collections::VecDeque;

/// Up to a number of pairs of differences.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// Differences of points, of gradients, and 1 / their product.
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
    /// The inverse Hessian before any pair is applied, as a multiple of the identity.
    scale: f64,
}

impl Memory {
    pub fn clear(&mut self) {
        self.pairs.clear();
        self.scale = 1.0;
    }

    /// The differences of points and of gradients, the oldest first.
    pub fn pairs(&self) -> impl Iterator<Item = (&[f64], &[f64])> {
        self.pairs.iter().map(|(s, y, _)| (s.as_slice(), y.as_slice()))
    }

    /// Remembers that a step `s` changed the gradient by `y`. A pair without positive curvature is passed over.
    pub fn remember(&mut self, s: Vec<f64>, y: Vec<f64>, most: usize) {
        let product = dot(&y, &s);
        if product > 1e-10 {
            self.scale = product / dot(&y, &y);
            self.pairs.push_back((s, y, 1.0 / product));
            self.pairs.drain(..self.pairs.len().saturating_sub(most));
        }
    }

    /// Minus the inverse Hessian times the gradient, by two loops (Nocedal and Wright, algorithm 7.4).
    pub fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut d: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for (s, y, rho) in self.pairs.iter().rev() {
            let share = dot(s, &d) * rho;
            add(&mut d, -share, y);
            shares.push(share);
        }
        d.iter_mut().for_each(|d| *d *= self.scale);
        for ((s, y, rho), share) in self.pairs.iter().zip(shares.into_iter().rev()) {
            let other = dot(y, &d) * rho;
            add(&mut d, share - other, s);
        }
        d
    }
}

pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// x <- x + a y
fn add(x: &mut [f64], a: f64, y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += a * y);
}

/// The largest magnitude.
pub(super) fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |most: f64, x| most.max(x.abs()))
}
