/**
 * For scripts that outlive the engine: `runtime_of FOLDER` says by which program a container was made, whose state is in that folder. An
 * engine has one runtime at a time, but may have had another before: each names the file of its state in its own way.
 */
export const RUNTIME_OF = String.raw`
runtime_of() {
  if [ -e "$1/status" ]; then made_by=crun; else made_by=runc; fi
  named=$(sed -n "s|^--default-runtime=\(/.*/$made_by\)$|\1|p" /etc/shoal/agent.args 2> /dev/null | tail -n 1)
  if [ -n "$named" ]; then echo "$named"; else echo "$made_by"; fi
}
`
