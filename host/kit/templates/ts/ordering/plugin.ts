// {{name}}: puts the largest file first.
interface Item { path: string; size: bigint; modified: bigint }

export const ordering = {
  describe: () => ({
    name: '{{name}}', version: '0.1.0', summary: 'puts the largest file first',
    parameters: [], more: [],
  }),

  configure() {},

  order(items: Item[]) {
    const order = items.map((_, item) => item);
    order.sort((a, b) => Number(items[b].size) - Number(items[a].size));
    return order.map((item) => ({ item, reason: `${items[item].size} bytes` }));
  },
};
