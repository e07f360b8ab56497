//! The terminal: data to stdout, everything else to stderr, colour and width of each, and the report that goes to a file.
//! Nothing else in the program prints.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::files;
use crate::model::{Problem, Secret};
use crate::redact;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors and data only.
    Quiet,
    /// Progress and summaries, too.
    Normal,
    /// What stays as it is, too.
    Verbose,
}

/// How the terminal is used in this run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How much is said.
    pub verbosity: Verbosity,
    /// When to use colour.
    pub color: anstream::ColorChoice,
    /// Whether nobody may be asked.
    pub no_input: bool,
    /// Whether the terminal can only print line after line (`TERM=dumb`).
    pub dumb: bool,
}

/// The terminal of a run.
pub struct Ui {
    settings: Settings,
    progress: Mutex<Option<ProgressBar>>,
    /// Why a part of the data is missing. Nothing can be made of the rest then.
    lost: Mutex<Option<io::ErrorKind>>,
}

/// Green: what is done.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Red: what failed.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Yellow: what to look at.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// Cyan: hints.
pub const HINT: Style = AnsiColor::Cyan.on_default();
/// Bold: headings.
pub const HEAD: Style = Style::new().bold();

/// Text in a style; the stream drops the style where there is no colour.
#[must_use]
pub fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// What comes below a problem: its causes, if they are wanted, and its hints. A hint ends with a command, which no line
/// break may tear.
#[must_use]
pub fn details(problem: &Problem, indent: usize, causes: bool, width: Option<usize>) -> String {
    let line = |style: Style, head: &str, text: &str| {
        let taken = indent + head.len() + 1;
        paragraph(&format!("{}{} ", " ".repeat(indent), styled(style, head)), taken, text, width)
    };
    let causes = problem.causes.iter().filter(|_| causes).map(|cause| line(HEAD, "caused by:", cause));
    causes.chain(problem.hints.iter().map(|hint| line(HINT, "hint:", hint))).collect()
}

/// A text behind a head that takes some columns, wrapped between words within `width`, if there is one, and indented so far.
/// A command of regcred at its end stays in one line, to be copied.
#[must_use]
pub fn paragraph(head: &str, taken: usize, text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return format!("{head}{text}\n") };
    let indent = " ".repeat(taken);
    let text = match text.rfind("regcred ") {
        Some(at) => text[..at].to_owned() + &text[at..].replace(' ', UNBROKEN),
        None => text.to_owned(),
    };
    // A hint may be a command: it is not broken at its hyphens.
    let options = textwrap::Options::new(width)
        .initial_indent(&indent)
        .subsequent_indent(&indent)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .break_words(false);
    let filled = textwrap::fill(&text, options).replace(UNBROKEN, " ");
    format!("{head}{}\n", filled.strip_prefix(&indent).unwrap_or(&filled))
}

/// Lines, of which each is wrapped like a [`paragraph`].
#[must_use]
pub fn wrapped(text: &str, width: Option<usize>) -> String {
    text.lines().map(|line| paragraph("", 0, line, width)).collect()
}

/// A space at which no line ends.
const UNBROKEN: &str = "\u{a0}";

/// Columns to write into where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 100;

/// The columns of a terminal, at least 40.
fn columns(stream: impl std::os::fd::AsFd) -> Option<usize> {
    terminal_size::terminal_size_of(stream).map(|(terminal_size::Width(width), _)| usize::from(width).max(40))
}

/// One line, cut where the terminal ends.
fn moving_line() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Ui {
    /// The terminal with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, progress: Mutex::default(), lost: Mutex::default() }
    }

    /// How much is said.
    #[must_use]
    pub fn verbosity(&self) -> Verbosity {
        self.settings.verbosity
    }

    /// The columns of stdout; 100 where it is not a terminal.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns().unwrap_or(DEFAULT_WIDTH)
    }

    /// The columns of stdout, if it is a terminal.
    #[must_use]
    pub fn columns(&self) -> Option<usize> {
        columns(io::stdout())
    }

    /// Writes data to stdout. A reader that went away is not an error.
    ///
    /// # Errors
    /// If stdout cannot be written, or could not be written earlier.
    pub fn data(&self, text: &str) -> io::Result<()> {
        self.stdout(&redact::output(text))
    }

    /// Writes commands to a workflow runner to stdout, which is where it listens.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn commands(&self, text: &str) -> io::Result<()> {
        self.stdout(&redact::commands(text))
    }

    /// Writes a report into a file, instead of what was in it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn file(&self, path: &Path, text: &str) -> io::Result<()> {
        std::fs::write(path, redact::output(text))
    }

    /// Writes a page into a file, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn page(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = files::beside(path)?;
        file.write_all(redact::output(text).as_bytes())?;
        file.persist(path)?;
        Ok(())
    }

    fn stdout(&self, text: &str) -> io::Result<()> {
        let print = || {
            let mut stdout = AutoStream::new(io::stdout().lock(), self.settings.color);
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        };
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kind) = *lost {
            return Err(kind.into());
        }
        match self.above_progress(print) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => {
                *lost = Some(error.kind());
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Says something on stderr, unless quiet.
    pub fn say(&self, text: &str) {
        if self.settings.verbosity > Verbosity::Quiet {
            let text = wrapped(&format!("{text}\n"), columns(io::stderr()));
            self.stderr(text.strip_suffix('\n').unwrap_or(&text));
        }
    }

    /// Prints what is wrong, each with its hints, and what caused it if more is wanted. Also when quiet.
    pub fn errors(&self, problems: &[Problem]) {
        let causes = self.settings.verbosity >= Verbosity::Verbose;
        let width = columns(io::stderr());
        for problem in problems {
            let head = format!("{} ", styled(BAD, "error:"));
            let text = paragraph(&head, "error: ".len(), &problem.to_string(), width);
            self.stderr((text + &details(problem, 2, causes, width)).trim_end_matches('\n'));
        }
    }

    /// A warning, unless quiet.
    pub fn warn(&self, text: &str) {
        self.say(&format!("{} {text}", styled(WARN, "warning:")));
    }

    fn stderr(&self, text: &str) {
        self.above_progress(|| {
            let mut stderr = AutoStream::new(io::stderr().lock(), self.settings.color);
            // There is nobody left to tell if stderr is gone.
            let _ = writeln!(stderr, "{}", redact::output(text));
        });
    }

    /// Whether a line can be written over.
    #[must_use]
    pub fn moves(&self) -> bool {
        io::stderr().is_terminal() && !self.settings.dumb
    }

    /// Says that something long begins: a moving line on a terminal, a plain one elsewhere.
    pub fn begin(&self, words: &str) {
        if self.moves() {
            self.busy(words);
        } else {
            self.say(words);
        }
    }

    /// Shows on a terminal what is going on; elsewhere the lines about what is done have to do.
    pub fn busy(&self, words: &str) {
        if self.settings.verbosity == Verbosity::Quiet || !self.moves() {
            return;
        }
        let mut progress = self.lock();
        let bar = progress.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(moving_line().tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        bar.set_message(redact::output(words));
    }

    /// Ends what [`Ui::busy`] shows.
    pub fn idle(&self) {
        if let Some(bar) = self.lock().take() {
            bar.finish_and_clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn above_progress<T>(&self, print: impl FnOnce() -> T) -> T {
        match &*self.lock() {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Whether somebody can be asked.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        !self.settings.no_input && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether standard input is a terminal.
    #[must_use]
    pub fn reads_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }

    /// Asks for a text.
    ///
    /// # Errors
    /// If the terminal cannot be read, or ends.
    pub fn ask(&self, question: &str) -> io::Result<String> {
        let mut stderr = AutoStream::new(io::stderr().lock(), self.settings.color);
        let _ = write!(stderr, "{} ", redact::output(question)).and_then(|()| stderr.flush());
        let mut answer = String::new();
        if io::stdin().lock().read_line(&mut answer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(answer.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Asks for a text that is not shown while it is typed.
    ///
    /// # Errors
    /// If the terminal cannot be read.
    pub fn ask_secret(&self, question: &str) -> io::Result<Secret> {
        rpassword::prompt_password(format!("{} ", redact::output(question))).map(Secret::new)
    }

    /// Asks a question; only `y` or `yes` is a yes.
    #[must_use]
    pub fn confirm(&self, question: &str) -> bool {
        self.idle();
        let mut stderr = AutoStream::new(io::stderr().lock(), self.settings.color);
        let _ = write!(stderr, "{} [y/N] ", redact::output(question)).and_then(|()| stderr.flush());
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }
}
