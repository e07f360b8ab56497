//! What can be told without asking IAM: yes, no, or not.

/// Whether something holds. What is not known says what it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It does not.
    No,
    /// It does.
    Yes,
    /// It depends on this, in words.
    Depends(String),
}

impl Told {
    pub(super) fn depends(words: impl Into<String>) -> Self {
        Self::Depends(words.into())
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Yes => Self::No,
            depends @ Self::Depends(_) => depends,
        }
    }

    /// All of them: one that does not hold decides.
    pub(super) fn all(all: impl IntoIterator<Item = Self>) -> Self {
        Self::any(all.into_iter().map(Self::not)).not()
    }

    /// One of them: one that holds decides.
    pub(super) fn any(all: impl IntoIterator<Item = Self>) -> Self {
        let mut told = Self::No;
        for one in all {
            match one {
                Self::Yes => return Self::Yes,
                depends @ Self::Depends(_) if told == Self::No => told = depends,
                _ => {}
            }
        }
        told
    }
}

impl From<bool> for Told {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Told {
        Told::depends("x")
    }

    #[test]
    fn what_decides_decides_whatever_cannot_be_told() {
        assert_eq!(Told::all([]), Told::Yes);
        assert_eq!(Told::any([]), Told::No);
        assert_eq!(Told::all([open(), Told::No]), Told::No);
        assert_eq!(Told::any([open(), Told::Yes]), Told::Yes);
        assert_eq!(Told::all([Told::Yes, open()]), open());
        assert_eq!(Told::any([Told::No, open(), Told::depends("y")]), open());
        assert_eq!(open().not(), open());
    }
}
