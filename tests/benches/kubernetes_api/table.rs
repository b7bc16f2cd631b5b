//! The result.

use std::fmt::Write as _;

use crate::measure::quantile;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    PerSecond,
    Milliseconds,
    Megabytes,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::PerSecond => "/s",
            Self::Milliseconds => "ms",
            Self::Megabytes => "MB",
        }
    }

    /// How many times better the first is.
    fn ratio(self, first: f64, second: f64) -> f64 {
        match self {
            Self::PerSecond => first / second,
            Self::Milliseconds | Self::Megabytes => second / first,
        }
    }
}

/// One thing measured: the figures of each.
pub struct Row {
    what: &'static str,
    unit: Unit,
    medians: Vec<f64>,
}

impl Row {
    pub fn new(what: &'static str, unit: Unit, figures: &[Vec<f64>]) -> Self {
        let medians = figures.iter().map(|figures| quantile(figures, 0.5)).collect();
        Self { what, unit, medians }
    }
}

/// Medians, and how many times better the first is.
pub fn markdown(names: &[&str; 2], rows: &[Row]) -> String {
    let mut text = format!("| | {} | {} | times better |\n|---|--:|--:|--:|\n", names[0], names[1]);
    for Row { what, unit, medians } in rows {
        let figure = |value: f64| {
            format!("{} {}", if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }, unit.name())
        };
        let (first, second) = (medians[0], medians[1]);
        writeln!(text, "| {what} | {} | {} | {:.1} |", figure(first), figure(second), unit.ratio(first, second))
            .unwrap();
    }
    text
}
