//! The `include` parameter: related resources to embed, nested by dots.

#[derive(Clone, Debug, Default)]
pub(crate) struct Includes {
    paths: Vec<String>,
}

impl Includes {
    pub(crate) fn parse(parameter: &str) -> Self {
        Self {
            paths: parameter.split(',').map(|path| path.trim().to_owned()).filter(|path| !path.is_empty()).collect(),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.paths.iter().any(|path| path.split('.').next() == Some(name))
    }

    /// What to embed in the resource `name`.
    pub(crate) fn within(&self, name: &str) -> Self {
        let nested = self.paths.iter().filter_map(|path| path.split_once('.'));
        Self { paths: nested.filter(|(first, _)| *first == name).map(|(_, rest)| rest.to_owned()).collect() }
    }
}
