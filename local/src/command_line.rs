//! The command-line arguments of `cargo dev`.

use std::{ffi::OsString, path::PathBuf};

use lexopt::{Arg, Parser, ValueExt};

/// The text of `cargo dev --help`.
pub(crate) const HELP: &str = "\
Runs Anteroom on this machine.

  cargo dev [--port PORT] [--no-build]
      Serves every route of template.yaml, on port 8787 by default (0: any free port).
      Builds the functions, and rebuilds them when their sources change.
  cargo dev invoke FUNCTION [--event FILE] [--no-build]
      Sends one event, from a file or from standard input, and prints the response.

  --no-build  runs the functions already built next to this program

Settings come from the environment and from .env. Providers without credentials get a stand-in.";

/// A parsed command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print the help text.
    Help,
    /// Serve the project on a port.
    Serve {
        /// 0 means any free port.
        port: u16,
        /// Whether to build the functions.
        build: bool,
    },
    /// Send one event to one function.
    Invoke {
        /// The function's name.
        function: String,
        /// The file with the event, or standard input.
        event: Option<PathBuf>,
        /// Whether to build the functions.
        build: bool,
    },
}

impl Command {
    /// Reads the arguments after the program's name.
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, lexopt::Error> {
        let mut arguments = Parser::from_args(arguments);
        let (mut port, mut event, mut build) = (None, None, true);
        let mut words: Vec<String> = Vec::new();
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Short('h') | Arg::Long("help") => return Ok(Self::Help),
                Arg::Short('p') | Arg::Long("port") => port = Some(arguments.value()?.parse()?),
                Arg::Long("event") => event = Some(PathBuf::from(arguments.value()?)),
                Arg::Long("no-build") => build = false,
                Arg::Value(word) => words.push(word.string()?),
                other => return Err(other.unexpected()),
            }
        }
        match (words.as_slice(), port, event) {
            ([], port, None) => Ok(Self::Serve { port: port.unwrap_or(8787), build }),
            ([invoke, function], None, event) if invoke == "invoke" => {
                Ok(Self::Invoke { function: function.clone(), event, build })
            }
            ([invoke], None, _) if invoke == "invoke" => Err("invoke needs a function name".into()),
            _ => Err("these arguments cannot be combined".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, lexopt::Error> {
        Command::parse(line.split_whitespace().map(OsString::from))
    }

    fn serve(port: u16, build: bool) -> Command {
        Command::Serve { port, build }
    }

    #[test]
    fn serves_on_port_8787_unless_told_otherwise() {
        assert_eq!(parse("").expect("valid"), serve(8787, true));
        assert_eq!(parse("--port 0").expect("valid"), serve(0, true));
        assert_eq!(parse("--port=8080 --no-build").expect("valid"), serve(8080, false));
    }

    #[test]
    fn invokes_a_function_with_an_event_from_a_file_or_standard_input() {
        let invocation = |event: Option<&str>| Command::Invoke {
            function: "room-auth".to_owned(),
            event: event.map(PathBuf::from),
            build: true,
        };
        assert_eq!(parse("invoke room-auth").expect("valid"), invocation(None));
        assert_eq!(
            parse("invoke room-auth --event events/room-auth.json").expect("valid"),
            invocation(Some("events/room-auth.json"))
        );
    }

    #[test]
    fn explains_itself_when_asked() {
        assert_eq!(parse("--help").expect("valid"), Command::Help);
        assert_eq!(parse("invoke -h").expect("valid"), Command::Help);
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for line in [
            "--port many",
            "--port 70000",
            "--port",
            "invoke",
            "invoke a b",
            "invoke a --port 1",
            "--event f",
            "room-auth",
            "--fast",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
