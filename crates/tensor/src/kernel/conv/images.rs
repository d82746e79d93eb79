//! Tiles of images, with channels innermost, as vectors want them.

use std::ops::Range;

use super::points::Grid;
use super::transpose::{Place, transpose};

/// One axis of an image.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub size: isize,
    /// Zeros before it.
    pub lo: isize,
    /// Distance in storage between neighbours.
    pub step: isize,
}

/// Images of some channels, with zeros around them.
pub(super) struct Images<'a> {
    pub data: &'a [f32],
    pub start: isize,
    /// Distance between images.
    pub image: isize,
    /// Distance between channels.
    pub channel: isize,
    pub channels: usize,
    pub axes: [Line; 2],
}

impl Images<'_> {
    /// Calls `each` for tiles (image, -, row, column) of `n` by `n` elements, `m` apart, in row-major order: of
    /// `width` channels, those beyond the last 0. Neighbouring tiles are cut from one strip.
    pub fn tiles(
        &self,
        tiles: &[Range<usize>; 4],
        [m, n]: [usize; 2],
        strip: &mut [f32],
        width: usize,
        each: &mut dyn FnMut(usize, &[f32], Grid),
    ) {
        let [rows, columns] = [2, 3].map(|i| (tiles[i].len() - 1) * m + n);
        let line = columns * width;
        let strip = &mut strip[..rows * line];
        let mut tile = 0;
        for image in tiles[0].clone() {
            let at = [2, 3].map(|i| (tiles[i].start * m) as isize);
            self.fill(image, at, strip, [columns, width]);
            for i in 0..tiles[2].len() {
                for j in 0..tiles[3].len() {
                    each(tile, &strip[i * m * line + j * m * width..], Grid { row: line, column: width });
                    tile += 1;
                }
            }
        }
    }

    /// Copies the part of an image that starts at `row` and `column`.
    fn fill(&self, image: usize, [row, column]: [isize; 2], strip: &mut [f32], [columns, width]: [usize; 2]) {
        let [b, c] = self.axes;
        let (top, left) = (row - b.lo, column - c.lo);
        let from = (-left).clamp(0, columns as isize);
        let to = (c.size - left).clamp(from, columns as isize);
        for (y, out) in (top..).zip(strip.chunks_exact_mut(columns * width)) {
            if !(0..b.size).contains(&y) || from == to {
                out.fill(0.0);
                continue;
            }
            out[..from as usize * width].fill(0.0);
            out[to as usize * width..].fill(0.0);
            let out = &mut out[from as usize * width..to as usize * width];
            if self.channels < width {
                out.chunks_exact_mut(width).for_each(|out| out[self.channels..].fill(0.0));
            }
            let start = self.start + image as isize * self.image + y * b.step + (left + from) * c.step;
            if c.step == 1 && self.channel >= 0 {
                let place = Place { start: start as usize, row: self.channel as usize };
                let sizes = [self.channels, (to - from) as usize];
                transpose((self.data, place), sizes, (out, Place { start: 0, row: width }));
                continue;
            }
            for (x, out) in (0..).zip(out.chunks_exact_mut(width)) {
                let places = (0..).map(|i: isize| (start + x * c.step + i * self.channel) as usize);
                out[..self.channels].iter_mut().zip(places).for_each(|(out, at)| *out = self.data[at]);
            }
        }
    }
}
