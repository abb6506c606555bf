//! Finds the built tracker, which is embedded in the binary.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=TRAZA_TRACKER_DIR");
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let folder = match env::var_os("TRAZA_TRACKER_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => manifest.join("../target/tracker"),
    };
    for file in ["t.js", "core.wasm", "core.wasm.br", "core.wasm.gz", "guard.js", "debug.mjs", "tracker.json"]
    {
        let path = folder.join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        if !path.exists() {
            println!("cargo::error={}: the tracker is not built; run `just tracker` first", path.display());
            return Ok(());
        }
    }
    let description: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("tracker.json"))?)?;
    let hash = description["wasm"].as_str().ok_or("tracker.json names no core")?;
    println!("cargo::rustc-env=TRAZA_TRACKER={}", folder.canonicalize()?.display());
    println!("cargo::rustc-env=TRAZA_CORE_HASH={hash}");
    Ok(())
}
