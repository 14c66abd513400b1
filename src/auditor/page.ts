/**
 * The auditor's page: bundles are dropped in and verified right here, by the same code as `rogatory audit verify`. Nothing leaves the
 * machine: the page's own policy forbids every connection.
 */
import {
  REPORT_STYLE,
  auditBundles,
  parsePolicy,
  reportSections,
  type AuditReport,
  type RandomAccess,
  type WitnessPolicy,
} from '../audit/mod.ts';

const PROGRESS_INTERVAL_MS = 250;
// A line is a hundred bytes or so, and a federation has hundreds of members.
const MAX_POLICY_BYTES = 1_000_000;

const style = new CSSStyleSheet();
style.replaceSync(REPORT_STYLE);
document.adoptedStyleSheets = [style];

const drop = element('drop');
const input = element('files') as HTMLInputElement;
const result = element('result');
const machine = element('machine');
const policyInput = element('policy') as HTMLInputElement;
const policyState = element('policy-state');
const noPolicy = element('no-policy');

/** Counts what was asked: only the last is shown, whichever is ready first. */
let asked = 0;
/** What was given last: it is verified again when the policy is another. */
let given: readonly File[] = [];
/** Nothing is verified under one that cannot be read. */
let policy: Promise<WitnessPolicy> | undefined;

input.addEventListener('change', () => {
  const files = [...(input.files ?? [])];
  // The same file may be chosen again, after it was exported again.
  input.value = '';
  show(files);
});
policyInput.addEventListener('change', () => {
  const [file] = policyInput.files ?? [];
  policyInput.value = '';
  if (file !== undefined) choosePolicy(file);
});
noPolicy.addEventListener('click', () => {
  choosePolicy(undefined);
});
// A file that is dropped beside the frame would otherwise be opened in the place of this page.
for (const name of ['dragenter', 'dragover'] as const) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
}
document.addEventListener('dragleave', () => {
  drop.classList.remove('over');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  const files = [...(event.dataTransfer?.files ?? [])];
  const isPolicy = event.target instanceof Element && event.target.closest('#witnesses') !== null;
  if (isPolicy && files[0] !== undefined) choosePolicy(files[0]);
  else show(files);
});

function choosePolicy(file: File | undefined): void {
  const chosen = file === undefined ? undefined : readPolicy(file);
  policy = chosen;
  policyState.textContent = file === undefined ? 'No policy: no witness has to vouch.' : `Policy: ${file.name}`;
  noPolicy.hidden = file === undefined;
  chosen?.catch((error: unknown) => {
    if (policy === chosen) policyState.textContent = `${file?.name}: ${failureText(error)}`;
  });
  show(given);
}

async function readPolicy(file: File): Promise<WitnessPolicy> {
  if (file.size > MAX_POLICY_BYTES) throw new RangeError(`a policy has at most ${MAX_POLICY_BYTES} bytes`);
  return parsePolicy(await file.text());
}

function show(files: readonly File[]): void {
  if (files.length === 0) return;
  given = files;
  const turn = ++asked;
  result.replaceChildren(line('p', `Verifying ${files.map(({ name }) => name).join(', ')} …`));
  machine.textContent = '';
  verify(files, turn).catch((error: unknown) => {
    if (turn === asked) result.replaceChildren(line('p', failureText(error)));
  });
}

function failureText(error: unknown): string {
  // So a browser says it of a folder, and of a file that was changed or removed after it was chosen.
  const isOfFile = error instanceof DOMException && ['NotReadableError', 'NotFoundError'].includes(error.name);
  if (error instanceof RangeError) return `Nothing was verified: ${error.message}.`;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return `Nothing was verified: ${error.message} (${error.code})`;
  return isOfFile
    ? 'Nothing was verified: a file cannot be read. It is a folder, or was changed or removed meanwhile; drop it again.'
    : `The page failed: ${String(error)}`;
}

async function verify(files: readonly File[], turn: number): Promise<void> {
  const progress = line('p', '');
  result.append(progress);
  let last = performance.now();
  const report = await auditBundles(
    files.map((file) => ({ name: file.name, bytes: pieceByPiece(file) })),
    {
      policy: await policy,
      onProgress: (name, done, total) => {
        if (turn !== asked) throw new DOMException('other files were given meanwhile', 'AbortError');
        const now = performance.now();
        if (now - last < PROGRESS_INTERVAL_MS) return;
        last = now;
        progress.textContent = `${name}: ${Math.floor((100 * done) / Math.max(1, total))} %`;
      },
    },
  );
  if (turn !== asked) return;
  render(report);
  machine.textContent = JSON.stringify(report);
}

/** A bundle may be larger than the page's memory: what is needed is read when it is needed. */
function pieceByPiece(file: File): RandomAccess {
  return {
    size: file.size,
    read: async (offset, length) => {
      const bytes = new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
      if (bytes.length !== length) throw new RangeError(`${file.name} ends before it should`);
      return bytes;
    },
  };
}

/** The report's own markup, in which everything from a bundle is escaped; and if it were not, the page's policy lets no script run. */
function render(report: AuditReport): void {
  const parsed = new DOMParser().parseFromString(reportSections(report), 'text/html');
  result.replaceChildren(...parsed.body.childNodes);
}

/** Text only, never markup: what stands in a bundle is somebody else's. */
function line(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new TypeError(`no element ${id}`);
  return found;
}
