//! Folders of packs on the disk.

use std::fs;
use std::path::{Path, PathBuf};

use trade::rulebook::{Folder, builtin_folders};

/// More than the packs of all territories together have.
const FILES_MAX: usize = 2_000;
/// The largest file that is read; the loader's own limit is below it and names the file.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why a folder is not read.
pub struct Unreadable {
    pub path: PathBuf,
    pub cause: String,
}

/// The folders of packs that `paths` lead to: each is one, or holds several. No path: the built-in ones.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Folder>, Unreadable> {
    if paths.is_empty() {
        return Ok(builtin_folders());
    }
    let mut folders = Vec::new();
    let mut left = FILES_MAX;
    for path in paths {
        let mut inner = Vec::new();
        let own = files(path, Some(&mut inner), &mut left)?;
        // Beside folders of packs may lie what is about them all, such as the schema.
        if inner.is_empty() || own.iter().any(|(name, _)| name.ends_with(".toml")) {
            folders.push(Folder { name: name_of(path), files: own });
        }
        inner.sort();
        for path in inner {
            let files = files(&path, None, &mut left)?;
            if !files.is_empty() {
                folders.push(Folder { name: name_of(&path), files });
            }
        }
    }
    Ok(folders)
}

fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    whole.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// The files of a folder; folders within it are put on `inner`, or cannot be read where that is none:
/// packs lie one level deep.
fn files(
    path: &Path,
    mut inner: Option<&mut Vec<PathBuf>>,
    left: &mut usize,
) -> Result<Vec<(String, Vec<u8>)>, Unreadable> {
    let unreadable = |path: &Path, cause: String| Unreadable { path: path.to_owned(), cause };
    let entries = fs::read_dir(path).map_err(|e| unreadable(path, e.to_string()))?;
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| unreadable(path, e.to_string()))?;
        let at = entry.path();
        let meta = fs::metadata(&at).map_err(|e| unreadable(&at, e.to_string()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if meta.is_dir() {
            match &mut inner {
                Some(inner) => inner.push(at),
                // Told as a file that is not of a pack.
                None => files.push((format!("{name}/"), Vec::new())),
            }
            continue;
        }
        let too_many = || unreadable(&at, std::io::Error::from(std::io::ErrorKind::FileTooLarge).to_string());
        *left = left.checked_sub(1).ok_or_else(too_many)?;
        if meta.len() > BYTES_MAX {
            return Err(too_many());
        }
        files.push((name, fs::read(&at).map_err(|e| unreadable(&at, e.to_string()))?));
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_are_read_as_they_were_written_one_level_deep() {
        let root = std::env::temp_dir().join(format!("ehub-folders-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for folder in builtin_folders() {
            fs::create_dir_all(root.join(&folder.name)).unwrap();
            for (name, bytes) in &folder.files {
                fs::write(root.join(&folder.name).join(name), bytes).unwrap();
            }
        }
        fs::write(root.join("pack.schema.json"), "{}").unwrap();
        let read_back = |paths: &[PathBuf]| read(paths).map_err(|e| e.cause).unwrap();
        let mut built = builtin_folders();
        built.iter_mut().for_each(|folder| folder.files.sort());
        assert_eq!(read_back(std::slice::from_ref(&root)), built);
        assert_eq!(read_back(&[root.join("sg")])[0].name, "sg");
        // A folder within a pack is no part of it, and is named.
        fs::create_dir_all(root.join("sg/old")).unwrap();
        let deeper = read_back(std::slice::from_ref(&root));
        assert!(deeper.iter().any(|folder| folder.files.iter().any(|(name, _)| name == "old/")));
        let missing = read(&[root.join("nowhere")]).map(|_| ()).map_err(|e| e.path);
        assert_eq!(missing, Err(root.join("nowhere")));
        fs::remove_dir_all(&root).unwrap();
    }
}
