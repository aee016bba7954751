/* Three user opcodes, as doc/handlers.md tells. */

/* The word args[1] grows to args[0]. */
void vyre_op_40000001(volatile __global uint *control, uint control_words, const uint *args)
{
    if (args[1] < control_words)
        atomic_max(&control[args[1]], args[0]);
}

/* The sum of eleven args is added to the word args[11]. */
void vyre_op_40000002(volatile __global uint *control, uint control_words, const uint *args)
{
    uint sum = 0u;
    for (uint i = 0u; i < 11u; i++)
        sum += args[i];
    if (args[11] < control_words)
        atomic_add(&control[args[11]], sum);
}

/* Sets the bits of args[0] in the word args[1]; small enough for packed slots. */
void vyre_op_00000008(volatile __global uint *control, uint control_words, const uint *args)
{
    if (args[1] < control_words)
        atomic_or(&control[args[1]], args[0]);
}
