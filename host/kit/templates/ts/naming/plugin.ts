// {{name}}: numbers the outputs: clip-1.mp4, clip-2.mp4 …
interface Request { index: bigint; attempt: number; extension: string }

export const naming = {
  describe: () => ({
    name: '{{name}}', version: '0.1.0', summary: 'numbers the outputs', parameters: [], more: [],
  }),

  configure() {},

  name: (what: Request) =>
    `clip-${Number(what.index) + what.attempt + 1}.${what.extension}`,
};
