//! A certificate authority for one test, made with openssl.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::tool;

const PROGRAM: &str = "openssl";

/// Makes `ca.pem`, and `broker` and `station` certificates with their keys, in `directory`; `false`
/// where no openssl is installed and none is required.
pub(crate) fn issue(directory: &Path) -> bool {
    if let Err(error) = Command::new(PROGRAM).arg("version").stdout(Stdio::null()).status() {
        tool::skip(PROGRAM, &error);
        return false;
    }
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    run(
        directory,
        &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca"),
    );
    for (name, purpose) in [("broker", "serverAuth"), ("station", "clientAuth")] {
        let extensions = format!("subjectAltName=IP:127.0.0.1\nextendedKeyUsage={purpose}\n");
        std::fs::write(directory.join("extensions"), extensions).unwrap();
        run(directory, &format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
        let request = format!("x509 -req -in {name}.csr -out {name}.pem -days 2");
        run(
            directory,
            &format!("{request} -CA ca.pem -CAkey ca.key -CAcreateserial -extfile extensions"),
        );
    }
    true
}

fn run(directory: &Path, arguments: &str) {
    let mut command = Command::new(PROGRAM);
    let output = command.args(arguments.split(' ')).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{arguments}: {output:?}");
}
