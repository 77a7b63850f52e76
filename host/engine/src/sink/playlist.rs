//! The files of an HLS playlist: the playlist itself and its segments, each written aside and named
//! when it is whole, as every file that filmgate writes. While the job runs nothing waits for the
//! disk; at its end all of them are synced.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::PipelineError;
use filmgate_av::{MediaError, Muxer, Shelf, Sink};
use filmgate_core::publish::{self, Aside, PublishError};

/// The files of one playlist, for whoever ends it.
#[derive(Clone)]
pub(super) struct Playlist(Arc<Mutex<State>>);

struct State {
    path: PathBuf,
    /// the playlist's name as libav has it
    name: String,
    replace: bool,
    begun: Vec<(String, Aside)>,
    /// bytes of the files that have their names
    published: BTreeMap<String, u64>,
    /// the first thing that went wrong
    error: Option<PublishError>,
}

impl State {
    fn path_of(&self, name: &str) -> PathBuf {
        if name == self.name { self.path.clone() } else { self.path.with_file_name(name) }
    }

    /// Keeps the first error, and gives libav something to go by.
    fn failed(&mut self, error: PublishError) -> io::Error {
        let code = match &error {
            PublishError::Write { source, .. } | PublishError::Folder { source, .. } => {
                source.raw_os_error()
            }
            PublishError::Exists(_) => Some(nix::libc::EEXIST),
            PublishError::NotAFile { .. } => None,
        };
        self.error.get_or_insert(error);
        io::Error::from_raw_os_error(code.unwrap_or(nix::libc::EIO))
    }
}

impl Playlist {
    /// Begins a playlist. Nothing is written yet but its folder, if that is not there.
    ///
    /// # Errors
    /// `Publish` where nothing can be written there, or may not be replaced.
    pub(super) fn begin(path: &Path, replace: bool) -> Result<(Playlist, Muxer), PipelineError> {
        publish::make_folder_of(path)?;
        publish::check_folder(path)?;
        let path = publish::check(path, replace)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let state = State {
            name: format!("{stem}.m3u8"),
            path: path.clone(),
            replace,
            begun: Vec::new(),
            published: BTreeMap::new(),
            error: None,
        };
        let playlist = Playlist(Arc::new(Mutex::new(state)));
        let muxer = Muxer::playlist(&stem, &path, Box::new(playlist.clone()))?;
        Ok((playlist, muxer))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is behind an error of the muxer's: the file and what went wrong with it, if that is it.
    pub(super) fn explain(&self, error: MediaError) -> PipelineError {
        self.lock().error.take().map_or_else(|| error.into(), PipelineError::Publish)
    }

    /// Syncs all files to the disk; gives the bytes that they have together.
    ///
    /// # Errors
    /// `Write`.
    pub(super) fn sync(&self) -> Result<u64, PublishError> {
        let state = self.lock();
        for name in state.published.keys() {
            let path = state.path_of(name);
            File::open(&path).and_then(|file| file.sync_all()).map_err(|source| {
                let doing = "the file could not be synced to the disk";
                PublishError::Write { path, doing, source }
            })?;
        }
        let folder = state.path.parent().filter(|f| !f.as_os_str().is_empty());
        publish::sync_folder(folder.unwrap_or(Path::new("."))).map_err(|source| {
            let doing = "is complete, but its folder could not be synced to the disk";
            PublishError::Write { path: state.path.clone(), doing, source }
        })?;
        Ok(state.published.values().sum())
    }
}

impl Shelf for Playlist {
    fn create(&mut self, name: &str) -> io::Result<Box<dyn Sink>> {
        let mut state = self.lock();
        let path = state.path_of(name);
        let replace = state.replace || state.published.contains_key(name);
        let begun = Aside::create(&path, replace).and_then(|aside| {
            let file = aside.file().map_err(|source| PublishError::Write {
                path: path.clone(),
                doing: "cannot be opened",
                source,
            })?;
            Ok((aside, file))
        });
        let (aside, file) = begun.map_err(|e| state.failed(e))?;
        state.begun.push((name.to_owned(), aside));
        Ok(Box::new(Piece { file, path, playlist: self.clone() }))
    }

    fn finish(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        let Some(at) = state.begun.iter().position(|(begun, _)| begun == name) else {
            return Ok(());
        };
        let (name, aside) = state.begun.remove(at);
        let bytes = aside.file().and_then(|file| file.metadata()).map_or(0, |facts| facts.len());
        aside.publish_unsynced().map_err(|e| state.failed(e))?;
        state.published.insert(name, bytes);
        Ok(())
    }
}

/// One file on its way.
struct Piece {
    file: File,
    path: PathBuf,
    playlist: Playlist,
}

impl Write for Piece {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|source| match source.kind() {
            io::ErrorKind::Interrupted => source,
            _ => {
                let (path, doing) = (self.path.clone(), "cannot be written");
                self.playlist.lock().failed(PublishError::Write { path, doing, source })
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sink for Piece {}

impl Read for Piece {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Piece {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
