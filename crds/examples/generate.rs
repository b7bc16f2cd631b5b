//! Writes the files that are made from the types: the CustomResourceDefinitions, also those of the chart,
//! docs/reasons.md, docs/annotations.md.

use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in hostwright_crds::generated::files()? {
        let path = root.join(&file.path);
        if fs::read_to_string(&path).is_ok_and(|present| present == file.content) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, file.content).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("wrote {}", file.path);
    }
    Ok(())
}
