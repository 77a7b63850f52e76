// {{name}}: turns light to dark.
interface Frame {
  plane(index: number): Uint8Array;
  setPlane(index: number, samples: Uint8Array): void;
}
type Parameter = { name: string; value: { tag: string; val: unknown } };

let turned: Uint8Array;

export const filter = {
  describe: () => ({
    about: {
      name: '{{name}}', version: '0.1.0', summary: 'turns light to dark', more: [],
      parameters: [{
        name: 'strength', summary: 'how much is turned', kind: 'integer', unit: '%',
        defaultValue: { tag: 'integer', val: 100 }, required: false,
        minimum: 0, maximum: 100, choices: [], more: [],
      }],
    },
    formats: ['yuv420p', 'yuv422p', 'yuv444p', 'gray8'],
    concurrency: 'parallel',
  }),

  configure(input: object, parameters: Parameter[]) {
    const s = Number(parameters.find((p) => p.name === 'strength')!.value.val);
    turned = Uint8Array.from({ length: 256 }, (_, v) => (v * (100 - s) + (255 - v) * s) / 100);
    return input;
  },

  process(frame: Frame) {
    const light = frame.plane(0);
    for (let i = 0; i < light.length; i++) light[i] = turned[light[i]];
    frame.setPlane(0, light);
    return [frame];
  },

  flush: () => [],
};
