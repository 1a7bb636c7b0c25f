// Runs the @Test methods of the classes named on the command line; exit status 1 where one fails.
package dev.hangtag.harness

import java.lang.reflect.InvocationTargetException
import kotlin.system.exitProcess
import org.junit.Test

fun main(classes: Array<String>) {
    var failed = 0
    for (name in classes) {
        val type = Class.forName(name)
        for (method in type.declaredMethods.filter { it.isAnnotationPresent(Test::class.java) }.sortedBy { it.name }) {
            try {
                method.invoke(type.getDeclaredConstructor().newInstance())
                println("passed ${method.name}")
            } catch (error: InvocationTargetException) {
                failed++
                println("FAILED ${method.name}: ${error.targetException}")
            }
        }
    }
    if (failed > 0) exitProcess(1)
}
